"""Axes as in RECIST 1.1: conventions by hand, laws, analytic discs and ellipsoids at many sub-voxel shifts."""

from math import hypot

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from node.errors import OurMistake
from node.measure.lesions.axes import recist_axes
from node.phantom.grid import grid_at
from node.phantom.render import mask_of
from node.phantom.shapes import Box, Ellipsoid, sphere

LAW = settings(deadline=None, max_examples=60)  # a shared machine has no deadline to keep
masks = arrays.arrays(bool, st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9))).filter(np.any)
millimetres = st.floats(0.3, 3.0)


def test_one_pixel_is_as_long_as_its_longer_side():
    axes = recist_axes(np.ones((1, 1, 1), bool), (1.0, 0.7, 0.9))
    assert (axes.long_mm, axes.short_mm) == pytest.approx((0.9, 0.7))


def test_a_row_of_pixels_is_as_long_as_it_has_pixels_and_its_ends_are_edge_midpoints():
    mask = np.zeros((3, 5, 12), bool)
    mask[1, 2, 3:9] = True
    axes = recist_axes(mask, (2.0, 0.5, 0.5))
    assert axes.long_mm == pytest.approx(3.0)
    assert axes.slice_index == 1
    assert sorted(axes.long_ends_yx) == [(2.0, 2.5), (2.0, 8.5)]


def test_a_diagonal_of_pixels_is_one_part():
    axes = recist_axes(np.eye(6, dtype=bool)[None], (1.0, 1.0, 1.0))
    assert axes.long_mm == pytest.approx(hypot(5.0, 6.0))


def test_parts_of_a_slice_are_measured_apart():
    mask = np.zeros((1, 9, 30), bool)
    mask[0, 2:5, 2:5] = mask[0, 2:5, 20:25] = True
    assert recist_axes(mask, (1.0, 1.0, 1.0)).long_mm == pytest.approx(hypot(5.0, 2.0))


def test_the_short_axis_is_perpendicular_and_both_ends_lie_on_the_outline_of_the_same_slice():
    grid = grid_at((0.0, 0.0, 0.0), (9, 60, 60), (3.0, 0.8, 0.6))
    mask = mask_of(grid, Ellipsoid((1.0, 0.0, 0.0), (14.0, 8.0, 9.0)))
    axes = recist_axes(mask, grid.spacing_zyx_mm)
    long_mm, short_mm = (np.subtract(ends[1], ends[0]) * (0.8, 0.6) for ends in (axes.long_ends_yx, axes.short_ends_yx))
    assert abs(float(long_mm @ short_mm)) < 1e-9
    assert float(np.linalg.norm(long_mm)) == pytest.approx(axes.long_mm)
    assert float(np.linalg.norm(short_mm)) == pytest.approx(axes.short_mm)


def test_of_equal_long_axes_on_different_slices_the_one_with_the_longer_short_axis_counts():
    mask = np.zeros((2, 3, 9), bool)
    mask[:, 1] = True
    mask[0, 0, 2] = mask[0, 2, 6] = True  # a bump on either side, apart
    mask[1, 0, 4] = mask[1, 2, 4] = True  # opposite each other
    axes = recist_axes(mask, (1.0, 1.0, 1.0))
    assert (axes.long_mm, axes.short_mm, axes.slice_index) == (9.0, 3.0, 1)


def test_the_short_axis_of_a_triangle_is_a_chord_not_the_width_of_its_shadow():
    mask = np.tril(np.ones((41, 41), bool))[None]
    axes = recist_axes(mask, (1.0, 1.0, 1.0))
    assert axes.short_mm == pytest.approx(41.0 / 2**0.5, abs=1.0)


@pytest.mark.parametrize("seed", range(6))
def test_the_short_axis_of_half_a_ring_lies_in_it(seed):
    rng = np.random.default_rng(seed)
    grid = grid_at(rng.uniform(-0.5, 0.5, 3), (3, 120, 120), (2.0, 0.7, 0.7))
    ring = mask_of(grid, sphere((0.0, 0.0, 0.0), 40.0)) & ~mask_of(grid, sphere((0.0, 0.0, 0.0), 32.0))
    mask = ring & mask_of(grid, Box((-30.0, -30.0, -30.0), (30.0, 0.0, 30.0)))
    turned = np.rot90(mask, seed, axes=(1, 2))
    axes = recist_axes(turned, (2.0, 0.7, 0.7))

    ends = np.array(axes.short_ends_yx)
    points = np.rint(ends[0] + np.linspace(0.02, 0.98, 500)[:, None] * (ends[1] - ends[0])).astype(int)
    assert turned[axes.slice_index][tuple(points.T)].mean() > 0.99
    # it touches the inner circle, where a pixel more or less is 2 mm of it; the hull's chord is 20 mm long
    assert axes.short_mm == pytest.approx(12.0, abs=2.5)
    long, short = (np.subtract(e[1], e[0]) for e in (axes.long_ends_yx, axes.short_ends_yx))
    assert abs(float(long @ short)) < 1e-9


def test_the_short_axis_crosses_a_cavity():
    mask = sphere_of(40, 18.0)
    assert recist_axes((mask & ~sphere_of(40, 14.0))[None], (1.0, 1.0, 1.0)) == recist_axes(mask[None], (1.0, 1.0, 1.0))


def sphere_of(n, radius):
    y, x = np.ogrid[:n, :n]
    return (y - n / 2) ** 2 + (x - n / 2) ** 2 < radius**2


def test_a_dent_in_the_border_changes_no_axis():
    mask = sphere_of(60, 25.0)
    dented = mask.copy()
    dented[4:8, 29:32] = dented[29:32, 4:8] = False
    one, other = (recist_axes(m[None], (1.0, 1.0, 1.0)) for m in (mask, dented))
    assert other.short_mm == pytest.approx(one.short_mm, abs=1.0)


def test_an_empty_mask_is_our_mistake_not_zero():
    with pytest.raises(OurMistake) as caught:
        recist_axes(np.zeros((2, 4, 5), bool), (1.0, 1.0, 1.0))
    assert caught.value.code == "LES-EMPTY"


@LAW
@given(masks, millimetres, millimetres)
def test_transposing_the_slices_changes_no_length(mask, row_mm, column_mm):
    one = recist_axes(mask, (1.0, row_mm, column_mm))
    other = recist_axes(mask.transpose(0, 2, 1), (1.0, column_mm, row_mm))
    assert (one.long_mm, one.short_mm) == pytest.approx((other.long_mm, other.short_mm))


@LAW
@given(masks, st.tuples(*[st.integers(0, 4)] * 3))
def test_moving_the_lesion_moves_the_ends_and_changes_no_length(mask, shift):
    moved = np.pad(mask, [(n, 1) for n in shift])
    one, other = recist_axes(mask, (2.0, 0.7, 0.9)), recist_axes(moved, (2.0, 0.7, 0.9))
    assert (one.long_mm, one.short_mm) == pytest.approx((other.long_mm, other.short_mm))
    assert other.slice_index == one.slice_index + shift[0]
    assert np.subtract(other.long_ends_yx, one.long_ends_yx) == pytest.approx(np.tile(shift[1:], (2, 1)))


@LAW
@given(masks, millimetres, millimetres)
def test_the_short_axis_is_never_longer_than_the_long_one(mask, row_mm, column_mm):
    axes = recist_axes(mask, (1.0, row_mm, column_mm))
    assert 0.0 < axes.short_mm <= axes.long_mm + 1e-9


@LAW
@given(masks)
def test_the_long_axis_is_the_longest_distance_between_edge_midpoints_of_a_part(mask):
    longest = 0.0
    for plane in mask:
        labels, n = ndimage.label(plane, np.ones((3, 3)))
        for part in range(1, n + 1):
            at = np.argwhere(labels == part)
            points = (at[:, None] + [(-0.5, 0), (0.5, 0), (0, -0.5), (0, 0.5)]).reshape(-1, 2) * (0.8, 1.1)
            longest = max(longest, float(np.linalg.norm(points[:, None] - points, axis=2).max()))
    assert recist_axes(mask, (1.0, 0.8, 1.1)).long_mm == pytest.approx(longest)


def test_on_discs_the_bias_is_half_a_pixel_to_eight_tenths_as_the_standards_say():
    rng = np.random.default_rng(11)
    y, x = np.mgrid[:48, :48]
    errors = []
    for diameter in rng.uniform(6.0, 40.0, 300):
        centre = rng.uniform(23.0, 24.0, 2)
        disc = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= (diameter / 2) ** 2
        errors.append(recist_axes(disc[None], (1.0, 1.0, 1.0)).long_mm - diameter)
    assert 0.5 <= np.mean(errors) <= 0.8
    assert max(errors) < 1.0


@pytest.mark.parametrize("seed", range(12))
def test_axes_of_an_ellipsoid_are_within_one_voxel_wherever_it_lies_in_the_grid(seed):
    rng = np.random.default_rng(seed)
    spacing = (1.0, 0.7, 0.7)
    grid = grid_at(rng.uniform(-0.5, 0.5, 3), (40, 60, 60), spacing)
    axes = recist_axes(mask_of(grid, Ellipsoid((0.0, 0.0, 0.0), (12.0, 8.0, 10.0))), spacing)
    assert abs(axes.long_mm - 24.0) < 0.7
    assert abs(axes.short_mm - 16.0) < 0.7


@pytest.mark.parametrize("seed", range(6))
def test_axes_of_a_ball_are_within_one_voxel_on_oblique_anisotropic_grids(seed):
    rng = np.random.default_rng(seed)
    tilt = np.radians(rng.uniform(4.0, 10.0))
    orientation = (np.cos(tilt), 0.0, np.sin(tilt), 0.0, 1.0, 0.0)
    grid = grid_at(rng.uniform(-0.5, 0.5, 3), (20, 50, 60), (2.5, 0.9, 0.6), orientation)
    axes = recist_axes(mask_of(grid, sphere((0.0, 0.0, 0.0), 20.0)), grid.spacing_zyx_mm)
    assert abs(axes.long_mm - 20.0) < 0.9
    assert abs(axes.short_mm - 20.0) < 0.9


@pytest.mark.parametrize("seed", range(6))
def test_the_long_axis_of_a_box_is_its_diagonal_to_a_voxel(seed):
    rng = np.random.default_rng(seed)
    grid = grid_at(rng.uniform(-0.5, 0.5, 3), (20, 60, 60), (2.0, 0.7, 0.7))
    axes = recist_axes(mask_of(grid, Box((-10.0, -6.0, -8.0), (10.0, 6.0, 8.0))), grid.spacing_zyx_mm)
    assert abs(axes.long_mm - hypot(20.0, 12.0)) < 0.7 * 2**0.5
