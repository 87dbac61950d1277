"""Overlap measures of tumours by case, against counts done by hand."""

from dataclasses import replace

import numpy as np
import pytest

from node.learn.lesion_overlaps import overlaps_by_case, told_overlaps
from node.learn.lesion_score import by_case
from node.learn.lesion_set import LesionSet
from node.learn.planes import Plane


def slices(truth_px: list[int]) -> LesionSet:
    """Slices of 10 x 10 soft tissue, of which the first so many pixels are tumour, each of a case of its own."""
    planes = []
    for number, n in enumerate(truth_px):
        tumour = np.zeros(100, np.uint8)
        tumour[:n] = 1
        hu = np.full((10, 10), 40, np.int16)
        planes.append(Plane(f"{number}", f"{number}", "hu8", hu, tumour.reshape(10, 10), f"{number}", 0, None))
    alone = np.arange(len(planes))
    return LesionSet(tuple(planes), alone, alone)


def marked(n: int) -> np.ndarray:
    p = np.zeros(100, np.float32)
    p[:n] = 1.0
    return p.reshape(10, 10)


def test_measures_are_means_over_cases_with_their_spread():
    data = slices([10, 20, 0])
    found = [(0, marked(10)), (1, marked(10)), (2, marked(5))]

    of_cases = overlaps_by_case(data, found, 0.5)
    told = told_overlaps(of_cases, by_case(data, found))["hu8"]

    assert [one.case for one in of_cases] == ["0", "1"]  # the third has nothing to be found
    assert (told["recall"]["mean"], told["recall"]["n"]) == (0.75, 2)
    assert told["dice"]["mean"] == pytest.approx((1.0 + 2 * 10 / 30) / 2)
    assert told["dice"]["sd"] == pytest.approx(np.std([1.0, 2 / 3], ddof=1))
    assert told["dice"]["interval"] == pytest.approx((2 / 3, 1.0))
    assert told["slice_dice"]["best"] == 1.0
    assert told["confusion"] == {"tp": 20, "fp": 0, "fn": 10, "tn": 170}


def test_a_case_that_was_missed_counts_as_nothing_precise_and_nothing_correlated():
    data = slices([10, 10])

    of_cases = overlaps_by_case(data, [(0, marked(10)), (1, marked(0))], 0.5)
    told = told_overlaps(of_cases, [])["hu8"]

    assert (told["precision"]["mean"], told["mcc"]["mean"]) == (0.5, 0.5)
    assert told["dice"]["mean"] == 0.5


def test_several_slices_of_a_case_are_counted_together():
    data = slices([10, 10])
    data = replace(data, planes=tuple(replace(plane, case="A") for plane in data.planes))

    (one,) = overlaps_by_case(data, [(0, marked(10)), (1, marked(0))], 0.5)

    assert (one.counts.tp, one.counts.fn, one.measures["precision"]) == (10, 10, 1.0)
