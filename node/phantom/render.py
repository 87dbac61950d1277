"""Paint solids into a grid, in order: a later one covers an earlier one."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.phantom.grid import Grid
from node.phantom.shapes import Shape, bounds_lps_mm, inside

_SLAB_VOXELS = 1 << 19  # what is worked on at once: a few float32 arrays of this size stay in the cache


def paint(
    image_zyx: NDArray[Any], grid: Grid, shape: Shape, value: float, *, only_where: NDArray[np.bool_] | None = None
) -> None:
    """Set every voxel whose centre lies in a solid.

    Parameters
    ----------
    image_zyx : grid.shape_zyx
        Changed in place.
    only_where : grid.shape_zyx bool
        Further condition on the voxels.
    """
    for region, within in _regions(grid, shape):
        chosen = within if only_where is None else within & only_where[region]
        image_zyx[region][chosen] = value


def mask_of(grid: Grid, shape: Shape) -> NDArray[np.bool_]:
    """Return the voxels of one solid, grid.shape_zyx bool."""
    mask_zyx = np.zeros(grid.shape_zyx, bool)
    paint(mask_zyx, grid, shape, True)
    return mask_zyx


def _regions(grid: Grid, shape: Shape) -> Iterator[tuple[tuple[slice, slice, slice], NDArray[np.bool_]]]:
    """Yield parts of the solid's box in the grid, each with the voxels inside the solid."""
    box = _index_box(grid, shape)
    if box is None:
        return
    (z0, z1), (y0, y1), (x0, x1) = box
    thickness = max(1, _SLAB_VOXELS // ((y1 - y0) * (x1 - x0)))
    for first in range(z0, z1, thickness):
        last = min(first + thickness, z1)
        coordinates = _coordinates(grid, (first, last), (y0, y1), (x0, x1))
        within = inside(shape, *coordinates)
        size = (last - first, y1 - y0, x1 - x0)
        yield (slice(first, last), slice(y0, y1), slice(x0, x1)), np.array(np.broadcast_to(within, size))


def _index_box(grid: Grid, shape: Shape) -> tuple[tuple[int, int], ...] | None:
    """Return the index range of the solid's box along each axis, or None where it misses the grid."""
    low, high = bounds_lps_mm(shape)
    corners = np.array([(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    zyx_from_lps = np.linalg.inv(grid.lps_from_zyx)
    at = corners @ zyx_from_lps[:3, :3].T + zyx_from_lps[:3, 3]
    begin = np.maximum(np.floor(at.min(axis=0)).astype(int), 0)
    end = np.minimum(np.ceil(at.max(axis=0)).astype(int) + 1, grid.shape_zyx)
    if (begin >= end).any():
        return None
    return tuple((int(b), int(e)) for b, e in zip(begin, end, strict=True))


def _coordinates(
    grid: Grid, z: tuple[int, int], y: tuple[int, int], x: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return L, P and S of the voxel centres of a part of the grid; an axis that does not matter stays of length 1."""
    steps = [np.arange(*z).reshape(-1, 1, 1), np.arange(*y).reshape(1, -1, 1), np.arange(*x).reshape(1, 1, -1)]
    out = []
    for axis in range(3):
        total: NDArray[np.float64] = np.full((1, 1, 1), grid.lps_from_zyx[axis, 3])
        for index, step in enumerate(steps):
            if abs(grid.lps_from_zyx[axis, index]) > 1e-12:
                total = total + grid.lps_from_zyx[axis, index] * step
        out.append(total.astype(np.float32))
    return out[0], out[1], out[2]
