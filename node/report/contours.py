"""Outlines of a mask in one slice: closed lines halfway between the pixels inside and those outside.

A line runs through the midpoints of the edges between a set pixel and one that is not, so that the pixels whose
centres lie inside are exactly the set ones. Pixels that touch at a corner only are apart. Coordinates are (row,
column) indices, whole numbers at pixel centres.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Point = tuple[int, int]  # (row, column), doubled, so that every midpoint is whole
Loop = list[Point]

_TOP, _LEFT, _MIDDLE, _RIGHT, _BOTTOM = (0, 1), (1, 0), (1, 1), (1, 2), (2, 1)
# lines through a square of four pixels by which are set (1 upper left, 2 upper right, 4 lower left, 8 lower right);
# each runs so that what is set lies on its left, x to the right and y down
_LINES: dict[int, tuple[tuple[Point, Point], ...]] = {
    1: ((_TOP, _LEFT),),
    2: ((_RIGHT, _TOP),),
    3: ((_RIGHT, _LEFT),),
    4: ((_LEFT, _BOTTOM),),
    5: ((_TOP, _MIDDLE), (_MIDDLE, _BOTTOM)),  # a point between the rows, for cuts to end at
    6: ((_RIGHT, _TOP), (_LEFT, _BOTTOM)),
    7: ((_RIGHT, _BOTTOM),),
    8: ((_BOTTOM, _RIGHT),),
    9: ((_TOP, _LEFT), (_BOTTOM, _RIGHT)),
    10: ((_BOTTOM, _MIDDLE), (_MIDDLE, _TOP)),
    11: ((_BOTTOM, _LEFT),),
    12: ((_LEFT, _RIGHT),),
    13: ((_TOP, _RIGHT),),
    14: ((_LEFT, _TOP),),
}


def outlines(mask_yx: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Return every closed line round a mask, those of holes too.

    Parameters
    ----------
    mask_yx : (rows, columns) bool

    Returns
    -------
    One (n, 2) float64 array of (row, column) per line, open: the last point is joined with the first.
    """
    return [_as_indices(loop) for loop in _loops(mask_yx)]


def keyholes(mask_yx: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Return one closed line per part of a mask: a hole is joined with what surrounds it by a cut of no width.

    Notes
    -----
    The cut runs to the left from the hole's leftmost column, halfway between two rows, so that it meets no pixel's
    centre. Holes are joined from the left to the right: what a cut meets first is joined already.
    """
    loops = _loops(mask_yx)
    joined = [loop for loop in loops if _is_outer(loop)]
    holes = [(min(p[1] for p in loop if p[0] % 2), loop) for loop in loops if not _is_outer(loop)]
    for left, hole in sorted(holes, key=lambda pair: pair[0]):
        begin = next(i for i, p in enumerate(hole) if p[0] % 2 and p[1] == left)
        turned = hole[begin:] + hole[: begin + 1]
        i, k = _nearest_to_the_left(joined, hole[begin])
        joined[i] = joined[i][: k + 1] + turned + joined[i][k:]
    return [_as_indices(loop) for loop in joined]


def _loops(mask_yx: NDArray[np.bool_]) -> list[Loop]:
    """Follow the lines through all squares until each comes back."""
    following = dict(_steps(mask_yx))
    loops: list[Loop] = []
    while following:
        start, point = following.popitem()
        loop = [start]
        while point != start:
            loop.append(point)
            point = following.pop(point)
        loops.append(loop)
    return loops


def _steps(mask_yx: NDArray[np.bool_]) -> Iterator[tuple[Point, Point]]:
    padded = np.pad(mask_yx, 1).astype(np.uint8)
    square = padded[:-1, :-1] | padded[:-1, 1:] << 1 | padded[1:, :-1] << 2 | padded[1:, 1:] << 3
    for row, column in np.argwhere((square > 0) & (square < 15)).tolist():
        y, x = 2 * row - 2, 2 * column - 2  # of the upper left pixel, without the padding
        for (ay, ax), (by, bx) in _LINES[int(square[row, column])]:
            yield (y + ay, x + ax), (y + by, x + bx)


def _is_outer(loop: Loop) -> bool:
    """Say whether a loop has what is set inside: by the sign of its area."""
    twice_area = sum(ax * by - bx * ay for (ay, ax), (by, bx) in zip(loop, [*loop[1:], loop[0]], strict=True))
    return twice_area > 0


def _nearest_to_the_left(loops: list[Loop], point: Point) -> tuple[int, int]:
    """Return loop and place in it of the nearest point in the same row, to the left."""
    row, column = point
    _, i, k = max(
        (p[1], i, k) for i, loop in enumerate(loops) for k, p in enumerate(loop) if p[0] == row and p[1] < column
    )
    return i, k


def _as_indices(loop: Loop) -> NDArray[np.float64]:
    """Leave out the points in the middle of a straight line, and halve."""
    points = np.array(loop)
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    same = (np.sign(before) == np.sign(after)).all(axis=1) & (before[:, 0] * after[:, 1] == before[:, 1] * after[:, 0])
    indices: NDArray[np.float64] = points[~same] / 2.0
    return indices
