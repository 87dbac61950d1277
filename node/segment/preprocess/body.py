"""Artefact removal (P1): table, blanket and everything else outside the body becomes air.

The body is the largest dense part of a slice with the holes in it. Parts are found by numpy alone, so that training
needs no image library: runs along the rows are joined where they touch those of the row before.
"""

import numpy as np
from numpy.typing import NDArray

AIR_HU = -1024.0
_BODY_HU = -350.0  # between lung and fat; the skin's partial volume stays outside

Runs = NDArray[np.intp]  # (n, 3) row, first column, column after the last


def outside_to_air(hu_yx: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the slice, HU, with everything outside the body at -1024. Without a body it is returned as it came."""
    body_yx = body(hu_yx)
    if not body_yx.any():
        return hu_yx
    return np.where(body_yx, hu_yx, np.float32(AIR_HU))


def body(hu_yx: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the largest dense part of one slice with its holes filled."""
    dense_yx = hu_yx > _BODY_HU
    if not dense_yx.any():
        return dense_yx
    largest_yx = largest_part(dense_yx)
    return ~reached_from_edge(~largest_yx)


def largest_part(mask_yx: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the part with the most pixels, neighbours by edge; nothing if nothing is set."""
    runs = _runs(mask_yx)
    if len(runs) == 0:
        return mask_yx
    parts = _parts(runs)
    sizes = np.bincount(parts, weights=runs[:, 2] - runs[:, 1])
    return _painted(runs[parts == sizes.argmax()], mask_yx.shape)


def reached_from_edge(mask_yx: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the parts that touch the picture's edge."""
    runs = _runs(mask_yx)
    if len(runs) == 0:
        return mask_yx
    rows, columns = mask_yx.shape
    at_edge = (runs[:, 0] == 0) | (runs[:, 0] == rows - 1) | (runs[:, 1] == 0) | (runs[:, 2] == columns)
    parts = _parts(runs)
    return _painted(runs[np.isin(parts, np.unique(parts[at_edge]))], mask_yx.shape)


def _runs(mask_yx: NDArray[np.bool_]) -> Runs:
    """Return the runs of set pixels, row by row."""
    steps = np.diff(np.pad(mask_yx, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, first = np.nonzero(steps == 1)
    _, after = np.nonzero(steps == -1)
    return np.stack((rows, first, after), 1)


def _parts(runs: Runs) -> NDArray[np.intp]:
    """Return for each run the number of its part: union and find over runs that overlap in neighbouring rows."""
    parent = list(range(len(runs)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for a, b in _touching(runs):
        parent[root(a)] = root(b)
    return np.array([root(i) for i in range(len(runs))])


def _touching(runs: Runs) -> list[tuple[int, int]]:
    """Return the pairs of runs that overlap in neighbouring rows, by walking both rows at once."""
    pairs = []
    lines = runs.tolist()
    i = 0  # walks the row above
    for j, (row, first, after) in enumerate(lines):
        while lines[i][0] < row - 1 or (lines[i][0] == row - 1 and lines[i][2] <= first):
            i += 1
        k = i
        while k < j and lines[k][0] == row - 1 and lines[k][1] < after:
            pairs.append((k, j))
            k += 1
    return pairs


def _painted(runs: Runs, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the mask of some runs."""
    mask_yx = np.zeros(shape, bool)
    for row, first, after in runs.tolist():
        mask_yx[row, first:after] = True
    return mask_yx
