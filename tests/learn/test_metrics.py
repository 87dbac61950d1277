"""Overlap, distances and statistics against values computed by hand and against other libraries."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from node.learn.metrics import Confusion, confusion, dice, kept_out, overlaps
from node.learn.statistics import holm, interval, wilcoxon
from node.learn.surface import distances

FOUND = np.array([[1, 1, 1, 0, 0, 0]], bool)
TRUE = np.array([[0, 1, 1, 1, 0, 0]], bool)
BODY = np.array([[1, 1, 1, 1, 1, 0]], bool)


def test_every_overlap_follows_its_formula():
    taken = overlaps(confusion(FOUND, TRUE, BODY))  # TP 2, FP 1, FN 1, TN 2; inside the body FP 1, TN 1

    assert taken == pytest.approx(
        {
            "dice": 4 / 6, "iou": 2 / 4, "precision": 2 / 3, "recall": 2 / 3, "f1": 4 / 6, "accuracy": 4 / 6,
            "mcc": (2 * 2 - 1 * 1) / sqrt(3 * 3 * 3 * 3), "fpr": 1 / 2,
        }
    )  # fmt: skip


def test_an_empty_reference_has_no_dice():
    taken = overlaps(confusion(FOUND, np.zeros_like(TRUE), BODY))

    assert (taken["dice"], taken["iou"], taken["recall"], taken["mcc"]) == (None, None, None, None)


def test_counts_of_slices_add_up():
    one, two = Confusion(1, 2, 3, 4, 5, 6), Confusion(10, 20, 30, 40, 50, 60)

    assert one + two == Confusion(11, 22, 33, 44, 55, 66)


def test_a_tumour_is_kept_out_by_the_part_outside_the_mask():
    tumour = np.array([[0, 0, 1, 1, 1, 1]], bool)

    assert kept_out(FOUND, tumour) == 0.75
    assert kept_out(FOUND, np.zeros_like(tumour)) is None


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_dice_and_iou_say_the_same(seed):
    rng = np.random.default_rng(seed)
    found, true = rng.random((2, 9, 9)) < 0.5
    taken = overlaps(confusion(found, true, np.ones_like(true)))

    assert taken["dice"] == pytest.approx(2 * taken["iou"] / (1 + taken["iou"]))


def test_distances_are_those_of_two_squares_in_mm():
    found, true = np.zeros((20, 20), bool), np.zeros((20, 20), bool)
    found[4:10, 4:10] = True
    true[4:10, 4:13] = True  # three columns wider

    taken = distances(found, true, (1.0, 2.0))

    assert taken["hd"] == pytest.approx(6.0)
    assert 0 < taken["assd"] < taken["hd95"] <= taken["hd"]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_distances_agree_with_those_of_all_pairs(seed):
    rng = np.random.default_rng(seed)
    found, true = rng.random((2, 8, 8, 8)) < 0.2
    spacing = (2.0, 1.0, 0.5)
    one, other = (_surface_points(m) * spacing for m in (found, true))
    pairs = cdist(one, other)
    there, back = pairs.min(1), pairs.min(0)

    taken = distances(found, true, spacing)

    assert taken["hd"] == pytest.approx(max(there.max(), back.max()))
    assert taken["assd"] == pytest.approx((there.sum() + back.sum()) / (len(one) + len(other)))


def _surface_points(mask):
    """Voxels with a neighbour by face outside the mask, found one by one."""
    padded = np.pad(mask, 1)
    steps = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
    return np.array(
        [p for p in np.argwhere(mask) if any(not padded[tuple(p + 1 + np.array(step))] for step in steps)], np.float64
    )


def test_nothing_has_no_distance():
    assert distances(FOUND, np.zeros_like(TRUE), (1.0, 1.0)) == {"hd": None, "hd95": None, "assd": None}


def test_an_interval_holds_the_mean_and_needs_two_patients():
    values = [0.90, 0.92, 0.95, 0.97, 0.99]

    low, high = interval(values)

    assert min(values) <= low < sum(values) / 5 < high <= max(values)
    assert interval(values) == (low, high)
    assert interval([0.9]) is None


def test_the_smallest_p_of_five_pairs_is_a_sixteenth():
    assert wilcoxon([0.9, 0.92, 0.94, 0.96, 0.98], [0.89, 0.9, 0.91, 0.92, 0.93]) == pytest.approx(2 / 2**5)


def test_equal_results_have_no_p():
    assert wilcoxon([0.9, 0.8], [0.9, 0.8]) is None


def test_holm_multiplies_the_smallest_by_the_number_of_tests_and_never_falls():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))


def test_dice_of_counts():
    assert dice(Confusion(3, 1, 1, 0, 0, 0)) == 0.75
