"""Planar outlines in patient coordinates, filled on a scan's grid: a voxel belongs to what its centre lies inside."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from node.volume.volume import Volume


def filled(outlines: Iterable[tuple[float, Sequence[Sequence[float]]]], volume: Volume) -> NDArray[np.bool_]:
    """Fill outlines of an axial scan.

    Parameters
    ----------
    outlines : (z in mm, points (x, y) in mm), LPS; one that lies on no slice, by half a step, is passed over.
    volume : whose rows run along x or y.
    """
    n_slices, n_rows, n_columns = volume.hu_zyx.shape
    mask = np.zeros((n_slices, n_rows, n_columns), bool)
    to_index = np.linalg.inv(volume.lps_from_zyx)
    for z_mm, points in outlines:
        at: NDArray[np.float64] = np.array([(x, y, z_mm, 1.0) for x, y in points]) @ to_index.T
        z = round(float(at[:, 0].mean()))
        if len(at) < 3 or not 0 <= z < len(mask) or abs(float(at[:, 0].mean()) - z) > 0.5:
            continue
        mask[z] ^= _inside(at[:, 1], at[:, 2], (n_rows, n_columns))  # an outline inside another is a hole
    return mask


def _inside(y: NDArray[np.float64], x: NDArray[np.float64], shape_yx: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels whose centres lie inside a polygon: an odd number of its edges lies to their left."""
    n_rows, n_columns = shape_yx
    rows = np.arange(n_rows, dtype=np.float64)
    crossed = np.zeros((n_rows, n_columns + 1), np.intp)
    for y0, x0, y1, x1 in zip(y, x, np.roll(y, -1), np.roll(x, -1), strict=True):
        at = np.flatnonzero((rows >= min(y0, y1)) & (rows < max(y0, y1)))
        first = np.ceil(x0 + (rows[at] - y0) * (x1 - x0) / (y1 - y0) if len(at) else rows[at])
        crossed[at, np.clip(first, 0, n_columns).astype(np.intp)] += 1  # from this column on the edge lies to the left
    inside: NDArray[np.bool_] = np.cumsum(crossed, axis=1)[:, :n_columns] % 2 == 1
    return inside
