"""Cubes through a window at random: the nodule stays whole, the middle is no longer where it lies."""

import numpy as np
import pytest

from node.learn.lesion_set import LesionSet
from node.learn.planes import Plane
from node.learn.shifted import shifted


def stack(name: str, side: int, rows: slice, columns: slice, n: int = 3) -> list[Plane]:
    hu = np.arange(side * side, dtype=np.int16).reshape(side, side)
    tumour = np.zeros((side, side), np.uint8)
    tumour[rows, columns] = 1
    blank = np.zeros_like(tumour)
    return [Plane(f"{name}{z}", name, "cube", hu, tumour if z == 1 else blank, name, z, 1.0) for z in range(n)]


def as_set(*planes: Plane) -> LesionSet:
    alone = np.arange(len(planes))
    return LesionSet(planes, alone, alone)


def test_a_nodule_stays_whole_and_all_slices_of_a_cube_move_alike():
    data = as_set(*stack("a", 64, slice(20, 44), slice(2, 9)))

    found = [shifted(data, seed) for seed in range(12)]

    assert {plane.hu_yx.shape for one in found for plane in one.planes} == {(48, 48)}
    assert all(int(one.planes[1].tumour_yx.sum()) == 24 * 7 for one in found)
    assert all((one.planes[0].hu_yx == one.planes[2].hu_yx).all() for one in found)
    assert len({int(one.planes[0].hu_yx[0, 0]) for one in found}) > 5
    assert (shifted(data, 3).planes[0].hu_yx == found[3].planes[0].hu_yx).all()


def test_a_nodule_larger_than_the_window_stays_round_its_middle():
    data = as_set(*stack("a", 64, slice(3, 61), slice(20, 44)))

    found = [shifted(data, seed) for seed in range(12)]

    assert all(int(one.planes[1].tumour_yx.sum()) == 48 * 24 for one in found)


def test_a_picture_without_a_mark_is_cut_anywhere():
    data = as_set(*stack("a", 64, slice(0, 0), slice(0, 0)))

    corners = {int(shifted(data, seed).planes[0].hu_yx[0, 0]) // 64 for seed in range(200)}

    assert corners == set(range(17))


@pytest.mark.parametrize("side", [256, 512])
def test_a_slice_of_a_scan_is_not_cut(side):
    data = as_set(*stack("a", side, slice(20, 44), slice(2, 9), 1))

    assert shifted(data, 0).planes[0].hu_yx.shape == (side, side)
