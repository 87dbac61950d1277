"""The lungs' border on the scan's own grid, from lungs that were found on the working grid.

Inside, one working voxel from the border, everything is lung. At the border a voxel is lung where it is darker than
the border value, and where the closing had filled something in (a vessel, a nodule on the wall) it follows the
closed outline, smoothed.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.segment.body_air import BORDER_HU
from node.segment.working_grid import WorkingGrid

_Value = TypeVar("_Value", bound=np.generic)


def refined(
    full_hu: NDArray[np.int16],
    raw: NDArray[np.uint8],
    shut: NDArray[np.uint8],
    barred: NDArray[np.bool_],
    grid: WorkingGrid,
) -> NDArray[np.uint8]:
    """Draw the lungs on the full grid.

    Parameters
    ----------
    full_hu : the scan, turned to the working axes, int16.
    raw, shut : labels on the working grid before and after the closing, uint8.
    barred : airways on the working grid: never lung at the border.
    grid : how the two grids lie.
    """
    if grid.factors == (1, 1, 1):
        return shut
    around = ndimage.generate_binary_structure(3, 3)
    if grid.factors[0] == 1:
        around = around & np.array([False, True, False])[:, None, None]
    inner = ndimage.binary_erosion(shut > 0, around, border_value=1)
    reach = ndimage.grey_dilation(shut, footprint=around)
    labels = np.where(shut > 0, shut, reach)
    near_air = ndimage.binary_dilation(raw > 0, around) & ~inner & ~barred
    filled = ndimage.binary_dilation((shut > 0) & (raw == 0), around) & ~inner & ~barred
    drawn = np.zeros(full_hu.shape, np.uint8)
    for z in np.nonzero(reach.any(axis=(1, 2)))[0]:
        slab = slice(int(z) * grid.factors[0], (int(z) + 1) * grid.factors[0])
        shape = full_hu.shape[1:]
        label = _enlarged(labels[z], grid, shape)
        sure = _enlarged(inner[z], grid, shape) | (
            _enlarged(filled[z], grid, shape) & _smooth(shut[z] > 0, grid, shape)
        )
        maybe = _enlarged(near_air[z], grid, shape)
        drawn[slab] = np.where(sure | (maybe & (full_hu[slab] <= BORDER_HU)), label, 0)
    return drawn


def _enlarged(plane: NDArray[_Value], grid: WorkingGrid, shape: tuple[int, ...]) -> NDArray[_Value]:
    large = plane.repeat(grid.factors[1], axis=0).repeat(grid.factors[2], axis=1)
    return large[: shape[0], : shape[1]]


def _smooth(plane: NDArray[np.bool_], grid: WorkingGrid, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Enlarge a mask with a border interpolated between its voxels."""
    soft = plane.astype(np.float32)
    for axis, (factor, n) in enumerate(zip(grid.factors[1:], shape, strict=True)):
        where = (np.arange(n, dtype=np.float32) + 0.5) / factor - 0.5
        lower = np.clip(np.floor(where).astype(np.intp), 0, plane.shape[axis] - 1)
        upper = np.minimum(lower + 1, plane.shape[axis] - 1)
        weight = np.clip(where - lower, 0.0, 1.0).reshape((-1, 1) if axis == 0 else (1, -1))
        soft = soft.take(lower, axis) * (1.0 - weight) + soft.take(upper, axis) * weight
    return soft > 0.5
