"""Outlines beyond their overlap, against numbers done by hand."""

from dataclasses import replace

import numpy as np
import pytest

from node.learn.lesion_outline import outlines, told_outlines
from node.learn.lesion_set import LesionSet
from node.learn.planes import Plane


def square(side: int, rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros((side, side), np.uint8)
    mask[rows, columns] = 1
    return mask


def as_set(masks: list[np.ndarray], domain: str = "hu8", step_mm: float | None = None) -> LesionSet:
    planes = tuple(
        Plane(
            f"{z}",
            "A",
            domain,
            np.zeros(mask.shape, np.int16),
            mask,
            "A",
            z,
            step_mm,
            None if step_mm is None else (step_mm, step_mm),
        )
        for z, mask in enumerate(masks)
    )
    alone = np.arange(len(planes))
    return LesionSet(planes, alone, alone)


def test_outlines_are_told_in_pixels_of_slices():
    truth = [square(32, slice(8, 12), slice(8, 12))] * 4
    mark = square(32, slice(8, 12), slice(11, 15)).astype(np.float32)  # three columns to the side
    empty = np.zeros((32, 32), np.float32)

    (one,) = outlines(as_set(truth), [(0, mark), (1, empty), (2, mark), (3, empty)], 0.5)
    told = told_outlines([one])["hu8"]

    assert (one.hd95, one.volume_ratio, one.gaps) == (3.0, 0.5, 1)  # slice 3 lies behind the last mark: no gap
    assert one.continuity is None  # no two neighbouring slices are marked
    assert one.assd == pytest.approx((4 * 3 + 2 * 2 + 2 * 1) / 12)  # last, next and next column; the first lies on one
    assert told["distances"] == [{"unit": "px", "n": 1, "hd": 3.0, "hd95": 3.0, "assd": one.assd}]


def test_cubes_are_measured_in_mm_and_continuity_against_the_reference():
    truth = [square(16, slice(4, 8), slice(4, 8))] * 3
    marks = [square(16, slice(4, 8), slice(4 + z, 8 + z)).astype(np.float32) for z in range(3)]

    (one,) = outlines(as_set(truth, "cube", 0.5), list(enumerate(marks)), 0.5)

    assert one.continuity == pytest.approx(0.75 - 1.0)  # neighbours share three of four columns
    assert 0.5 <= (one.hd95 or 0.0) <= 1.0  # at most two voxels of half a millimetre
    assert one.unit == "mm"


def test_scattered_slices_with_known_pixels_are_measured_in_mm_one_by_one():
    truth, mark = square(32, slice(8, 12), slice(8, 12)), square(32, slice(8, 12), slice(11, 15)).astype(np.float32)
    planes = as_set([truth, truth], "hu", 0.5).planes
    apart = (planes[0], replace(planes[1], z=9))

    (one,) = outlines(LesionSet(apart, np.arange(2), np.arange(2)), [(0, mark), (1, mark)], 0.5)

    assert (one.unit, one.hd95) == ("mm", 1.5)  # three columns of half a millimetre


def test_a_tumour_in_two_pieces_is_told_as_such():
    truth = [square(32, slice(8, 12), slice(8, 20))] * 2
    torn = square(32, slice(8, 12), slice(8, 12)) + square(32, slice(8, 12), slice(16, 20))

    (one,) = outlines(as_set(truth), [(z, torn.astype(np.float32)) for z in range(2)], 0.5)

    assert one.pieces == 2.0


def test_a_case_without_a_tumour_has_no_outline():
    assert outlines(as_set([square(8, slice(0), slice(0))]), [(0, np.ones((8, 8), np.float32))], 0.5) == []
