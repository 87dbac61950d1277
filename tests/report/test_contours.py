"""Outlines give back the mask that they were made of, holes and corners included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from node.report.contours import keyholes, outlines


def rasterised(loops: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Return the pixels whose centres lie inside an odd number of times: a ray to the right counts crossings."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    inside = np.zeros(shape, bool)
    for loop in loops:
        for (ay, ax), (by, bx) in zip(loop, np.roll(loop, -1, axis=0), strict=True):
            spans = (rows >= min(ay, by)) & (rows < max(ay, by))
            if ay != by:
                inside ^= spans & (columns < ax + (rows - ay) * (bx - ax) / (by - ay))
    return inside


masks = arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9)))


@given(masks)
@settings(max_examples=150, deadline=None)
def test_outlines_enclose_exactly_the_set_pixels(mask: np.ndarray) -> None:
    assert np.array_equal(rasterised(outlines(mask), mask.shape), mask)


@given(masks)
@settings(max_examples=150, deadline=None)
def test_keyholes_enclose_exactly_the_set_pixels(mask: np.ndarray) -> None:
    assert np.array_equal(rasterised(keyholes(mask), mask.shape), mask)


def test_one_pixel_has_four_corners_halfway_to_its_neighbours() -> None:
    mask = np.zeros((3, 4), bool)
    mask[1, 2] = True
    (loop,) = outlines(mask)
    assert {tuple(p) for p in loop.tolist()} == {(0.5, 2.0), (1.5, 2.0), (1.0, 1.5), (1.0, 2.5)}


@pytest.mark.parametrize("holes", [[(2, 2)], [(2, 2), (2, 5)], [(2, 2), (3, 5), (4, 2)]], ids=["one", "two", "three"])
def test_a_part_with_holes_is_one_line(holes: list[tuple[int, int]]) -> None:
    mask = np.ones((7, 8), bool)
    for hole in holes:
        mask[hole] = False
    assert len(outlines(mask)) == 1 + len(holes)
    assert len(keyholes(mask)) == 1


def test_parts_that_touch_at_a_corner_are_two_lines() -> None:
    assert len(outlines(np.eye(2, dtype=bool))) == 2


def test_straight_lines_have_no_points_in_their_middle() -> None:
    (loop,) = outlines(np.ones((5, 9), bool))
    assert len(loop) == 8
