"""The papers' preprocessing against values computed by hand, and against another library's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from node.segment.preprocess.body import body, largest_part, outside_to_air, reached_from_edge
from node.segment.preprocess.dynamic_threshold import dynamic_threshold
from node.segment.preprocess.histogram import cdf_of, is_foreign, match, shifts_hu
from node.segment.preprocess.median import median
from node.segment.preprocess.recipes import RECIPES
from node.segment.preprocess.resize import from_network, to_network
from node.segment.preprocess.window import window


@pytest.mark.parametrize(("hu", "expected"), [(-2000, 0.0), (-1000, 0.0), (-300, 0.5), (400, 1.0), (3000, 1.0)])
def test_the_window_is_equation_10(hu, expected):
    assert float(window(torch.tensor(float(hu)))) == pytest.approx(expected)


def test_the_median_is_that_of_every_square_of_nine():
    picture = np.random.default_rng(0).random((17, 23)).astype(np.float32)

    found = median(torch.from_numpy(picture)[None, None])[0, 0].numpy()

    assert np.array_equal(found, ndimage.median_filter(picture, 3, mode="nearest"))


def test_pixels_above_their_surroundings_are_raised_by_a_tenth():
    picture = torch.full((1, 1, 5, 5), 0.5)
    picture[0, 0, 2, 2] = 0.8  # local mean of the whole picture: 0.512

    found = dynamic_threshold(picture)

    assert float(found[0, 0, 2, 2]) == pytest.approx(0.88)
    assert float(found[0, 0, 0, 0]) == 0.5


def test_the_threshold_never_leaves_zero_to_one():
    picture = torch.zeros(1, 1, 8, 8)
    picture[0, 0, 0, 0] = 0.99

    assert float(dynamic_threshold(picture).max()) == 1.0


def test_the_local_mean_is_taken_over_pixels_inside_the_picture_only():
    picture = torch.rand(1, 1, 40, 33)
    ones = torch.nn.functional.avg_pool2d(torch.ones_like(picture), 31, 1, 15)
    mean = torch.nn.functional.avg_pool2d(picture, 31, 1, 15) / ones

    expected = torch.where(picture > mean, (1.1 * picture).clamp(max=1.0), picture)

    assert torch.allclose(dynamic_threshold(picture), expected, atol=1e-6)


def test_matching_a_series_to_its_own_histogram_changes_nothing():
    hu = np.random.default_rng(0).normal(-300, 200, 5000).clip(-1000, 400).astype(np.float32)

    assert np.abs(match(hu, cdf_of(hu), cdf_of(hu)) - hu).max() <= 1.0


def test_matching_takes_a_shift_away():
    hu = np.random.default_rng(0).normal(-300, 100, 20000).astype(np.float32)
    reference, shifted = cdf_of(hu), hu + 80

    assert np.abs(match(shifted, cdf_of(shifted), reference) - hu).mean() < 2


def test_matching_leaves_what_lies_outside_the_range():
    hu = np.array([-1024.0, 2000.0], np.float32)
    some = cdf_of(np.linspace(-900, 300, 100, dtype=np.float32))

    assert np.array_equal(match(hu, some, some), hu)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 0.7))
def test_parts_are_those_of_an_image_library(seed, share):
    mask = np.random.default_rng(seed).random((21, 17)) < share
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())[1:]
    edge = np.unique(np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1])))

    largest = largest_part(mask)

    assert largest.sum() == (sizes.max() if len(sizes) else 0)
    assert len(np.unique(labels[largest])) <= 1
    assert np.array_equal(reached_from_edge(mask), np.isin(labels, edge[edge > 0]))


def test_table_and_blanket_become_air_and_lungs_stay():
    hu = np.full((40, 40), -1000.0, np.float32)
    hu[8:30, 8:32] = 40.0
    hu[14:24, 12:18] = -800.0  # lung
    hu[34:36, 2:38] = 200.0  # table

    clean = outside_to_air(hu)

    assert (clean[34:36] == -1024.0).all()
    assert np.array_equal(clean[8:30, 8:32], hu[8:30, 8:32])


def test_a_slice_without_a_body_comes_back_as_it_was():
    hu = np.full((8, 8), -1000.0, np.float32)

    assert np.array_equal(outside_to_air(hu), hu)
    assert not body(hu).any()


@pytest.mark.parametrize("size", [64, 96, 100, 33])
def test_resizing_keeps_the_place_of_what_is_seen(size):
    picture = torch.zeros(1, 1, 192, 192)
    picture[..., 40:80, 100:160] = 1.0

    back = from_network(to_network(picture, size), (192, 192))

    rows, columns = (torch.nonzero(back[0, 0].sum(axis) > back[0, 0].sum(axis).max() / 2).flatten() for axis in (1, 0))
    assert abs(float(rows.float().mean()) - 59.5) < 1.0
    assert abs(float(columns.float().mean()) - 129.5) < 1.0


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_ends_between_zero_and_one(name):
    hu = torch.randn(2, 1, 40, 40) * 1500

    ready = RECIPES[name](hu)

    assert ready.shape == hu.shape
    assert 0.0 <= float(ready.min()) <= float(ready.max()) <= 1.0


def two_peaks(lung_hu, tissue_hu, lung_share):
    """Values of a made-up body."""
    rng = np.random.default_rng(0)
    n = int(20000 * lung_share)
    return np.concatenate((rng.normal(lung_hu, 40, n), rng.normal(tissue_hu, 40, 20000 - n))).astype(np.float32)


def test_shifts_are_those_of_each_range_whatever_the_share_of_lung():
    reference = cdf_of(two_peaks(-820, 30, 0.3))

    assert shifts_hu(cdf_of(two_peaks(-820, 30, 0.1)), reference) == pytest.approx((0, 0), abs=3)
    assert shifts_hu(cdf_of(two_peaks(-760, 20, 0.2)), reference) == pytest.approx((60, 10), abs=3)


@pytest.mark.parametrize(
    ("lung_hu", "tissue_hu", "foreign"), [(-760, 30, False), (-820, 60, False), (-620, 30, True), (-820, 130, True)]
)
def test_a_series_is_foreign_where_tissue_or_air_lies_elsewhere(lung_hu, tissue_hu, foreign):
    assert is_foreign(cdf_of(two_peaks(lung_hu, tissue_hu, 0.2)), cdf_of(two_peaks(-820, 30, 0.3))) is foreign
