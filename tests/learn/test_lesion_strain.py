"""Strain: an answer that follows the intensities has a spread, one that does not has none; small ones are counted."""

import json

import numpy as np
import pytest

from node.learn.lesion_set import LesionSet
from node.learn.lesion_strain import changed, strain, told
from node.learn.planes import Plane


def plane(name: str, domain: str, n_px: int, hu: int = -700, step_mm: float | None = None) -> Plane:
    tumour = np.zeros((32, 32), np.uint8)
    tumour.flat[:n_px] = 1
    return Plane(name, name, domain, np.where(tumour, 40, hu).astype(np.int16), tumour, name, 0, step_mm)


def as_set(*planes: Plane) -> LesionSet:
    alone = np.arange(len(planes))
    return LesionSet(planes, alone, alone)


def brighter_than(limit_hu: float):
    return lambda data: [(at, (p.hu_yx > limit_hu).astype(np.float32)) for at, p in enumerate(data.planes)]


def strained(data: LesionSet, answer):
    return told([strain(data, answer(data), answer, 0.5)])


def test_what_does_not_follow_the_intensities_has_no_spread():
    found = strained(as_set(plane("a", "hu8", 200)), brighter_than(-400.0))

    assert found["hu8"]["dice_sd"] == 0.0
    assert found["hu8"]["probability_sd"] == 0.0


def test_what_follows_the_intensities_has_a_spread():
    found = strained(as_set(plane("a", "hu8", 200)), brighter_than(20.0))

    assert found["hu8"]["dice_sd"] == pytest.approx(float(np.std([1, 0, 1, 1, 0])), abs=0.01)


def test_shifts_are_shifts_and_a_gamma_leaves_its_ends():
    data = as_set(plane("a", "hu8", 10, hu=-1000))

    assert (changed(data, "+50 HU").planes[0].hu_yx == data.planes[0].hu_yx + 50).all()
    bent = changed(data, "gamma 0.8").planes[0].hu_yx
    assert bent[-1, -1] == -1000
    assert 40 < bent[0, 0] < 400


def test_small_lesions_are_told_by_pixels_and_by_millimetres():
    data = as_set(
        plane("small", "hu8", 99), plane("missed", "hu8", 50, hu=60), plane("large", "hu8", 100),
        plane("cube", "cube", 60, step_mm=1.0), plane("large cube", "cube", 600, step_mm=1.0),
    )  # fmt: skip

    def answer(asked: LesionSet):
        return [
            (at, np.where(p.case == "missed", 0.0, p.tumour_yx).astype(np.float32)) for at, p in enumerate(asked.planes)
        ]

    found = strained(data, answer)

    assert (found["hu8"]["n_small"], found["hu8"]["small_recall"], found["hu8"]["small_dice"]) == (2, 0.5, 0.5)
    assert (found["cube"]["n_small"], found["cube"]["small_recall"]) == (1, 1.0)


def test_a_domain_without_a_small_lesion_has_no_mean_of_them_and_can_be_written_as_json():
    found = strained(as_set(plane("large", "hu8", 200)), brighter_than(-400.0))

    assert (found["hu8"]["n_small"], found["hu8"]["small_recall"], found["hu8"]["small_dice"]) == (0, None, None)
    json.dumps(found, allow_nan=False)
