"""Where the voxels of a phantom lie: a shape and a matrix to patient space (zyx, LPS, mm)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Grid:
    """Voxel centres `lps_from_zyx @ (z, y, x, 1)` for indices below `shape_zyx`."""

    shape_zyx: tuple[int, int, int]
    lps_from_zyx: NDArray[np.float64]

    @property
    def spacing_zyx_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along each axis."""
        z, y, x = np.linalg.norm(self.lps_from_zyx[:3, :3], axis=0).tolist()
        return (z, y, x)

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel (of a sheared grid, too), ml."""
        return abs(float(np.linalg.det(self.lps_from_zyx[:3, :3]))) / 1000.0


def grid_at(
    centre_lps_mm: Sequence[float],
    shape_zyx: tuple[int, int, int],
    spacing_zyx_mm: tuple[float, float, float],
    orientation: Sequence[float] = AXIAL,
) -> Grid:
    """Lay a grid round a point.

    Parameters
    ----------
    centre_lps_mm : (3,), mm
        The middle of the grid.
    shape_zyx, spacing_zyx_mm
        Slices, rows, columns; their distances in mm.
    orientation : (6,)
        Image Orientation (Patient): direction of a row (x), then of a column (y); unit length. Slices follow their
        cross product.

    Notes
    -----
    PS3.3 C.7.6.2.1.1.
    """
    row = np.asarray(orientation[:3], np.float64)
    column = np.asarray(orientation[3:], np.float64)
    axes = np.stack([np.cross(row, column), column, row], axis=1) * np.asarray(spacing_zyx_mm)
    middle = (np.asarray(shape_zyx) - 1) / 2.0
    lps_from_zyx = np.eye(4)
    lps_from_zyx[:3, :3] = axes
    lps_from_zyx[:3, 3] = np.asarray(centre_lps_mm, np.float64) - axes @ middle
    return Grid(shape_zyx, lps_from_zyx)
