"""The plain axes agree with the measured ones, whatever the shape: where they did not, a scan got no report."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from node.measure.lesions.axes import recist_axes
from node.report.plain_axes import plain_axes

LAW = settings(deadline=None, max_examples=150)  # a shared machine has no deadline to keep
masks = arrays.arrays(bool, st.tuples(st.integers(1, 2), st.integers(1, 12), st.integers(1, 12))).filter(np.any)
millimetres = st.sampled_from((0.5, 0.703125, 0.9765625, 1.3))


def agree(mask, spacing_mm):
    measured, plain = recist_axes(mask, spacing_mm), plain_axes(mask, spacing_mm)
    assert plain.long_mm == pytest.approx(measured.long_mm, rel=1e-7)
    assert plain.short_mm == pytest.approx(measured.short_mm, rel=1e-7)
    assert measured.slice_index in plain.slices
    return measured


@LAW
@given(masks, millimetres, millimetres)
def test_of_any_small_shape(mask, row_mm, column_mm):
    agree(mask, (2.0, row_mm, column_mm))


@pytest.mark.parametrize("seed", range(40))
def test_of_what_a_network_marks(seed):
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.normal(size=(2, 50, 60)), (0.5, 4.0, 4.0))
    agree(field > np.quantile(field, rng.uniform(0.6, 0.97)), (2.5, *rng.choice([0.65, 0.9765625], 2).tolist()))


@pytest.mark.parametrize("degrees", range(0, 180, 10))
def test_of_half_a_ring_whose_hull_would_be_crossed_outside(degrees):
    y, x = np.mgrid[-40:41, -40:41] * 0.7
    angle = np.degrees(np.arctan2(y, x)) - degrees
    ring = (abs(np.hypot(y, x) - 20.0) < 3.0) & (angle % 360.0 < 200.0)
    agree(ring[None], (1.0, 0.7, 0.7))


def test_of_a_mark_that_is_turned_by_right_angles_and_mirrored():
    y, x = np.mgrid[:40, :40]
    hook = ((y < 8) | (x < 8)) & (np.hypot(y, x) < 38)
    found = {
        round(agree(np.ascontiguousarray(np.rot90(one, k))[None], (1.0, 0.9, 0.9)).short_mm, 6)
        for one in (hook, hook[:, ::-1])
        for k in range(4)
    }
    assert len(found) == 1
