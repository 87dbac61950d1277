"""The grid that the lung rules work on: patient axes, about 2 mm, slices towards the head.

The first axis runs to the head, the second to the back, the third to the patient's left, whatever the order in which
the scan was stored (feet-first, prone, decubitus, rows and columns exchanged). Only whole axes are turned and
exchanged, no voxel is interpolated; thin slices and small pixels are averaged in blocks.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_COARSEST_MM = 2.2  # lungs, windpipe and main bronchi keep their shape; borders are refined on the full grid

_Value = TypeVar("_Value", bound=np.generic)
_Any = TypeVar("_Any")


@dataclass(frozen=True, slots=True)
class WorkingGrid:
    """How the working array comes from the scan's.

    Attributes
    ----------
    axes : the scan's axis that became each working axis.
    flipped : whether that axis was reversed.
    factors : how many voxels were averaged along each working axis.
    shape : the working array's shape.
    full_shape : the scan's shape in working axes.
    spacing_mm : of the working array, float.
    """

    axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]
    factors: tuple[int, int, int]
    shape: tuple[int, int, int]
    full_shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]

    @property
    def full_spacing_mm(self) -> tuple[float, float, float]:
        """Spacing of the scan along the working axes, mm."""
        z, y, x = (mm / factor for mm, factor in zip(self.spacing_mm, self.factors, strict=True))
        return (z, y, x)

    def turned(self, array_zyx: NDArray[_Value]) -> NDArray[_Value]:
        """View a scan's array along the working axes, at full resolution."""
        turned = array_zyx.transpose(self.axes)
        return turned[tuple(slice(None, None, -1 if flip else 1) for flip in self.flipped)]

    def turned_back(self, array: NDArray[_Value]) -> NDArray[_Value]:
        """Undo `turned`."""
        unflipped = array[tuple(slice(None, None, -1 if flip else 1) for flip in self.flipped)]
        return unflipped.transpose(tuple(int(i) for i in np.argsort(self.axes)))

    def sampled(self, full: NDArray[_Value]) -> NDArray[_Value]:
        """Take one voxel of each block of a turned array: for labels, which cannot be averaged."""
        picks = [
            np.minimum(np.arange(n) * factor + factor // 2, size - 1)
            for n, factor, size in zip(self.shape, self.factors, self.full_shape, strict=True)
        ]
        return full[np.ix_(*picks)]

    def enlarged(self, sampled: NDArray[_Value]) -> NDArray[_Value]:
        """Repeat each voxel of a working array over its block: the nearest on the full grid."""
        full = sampled
        for axis, factor in enumerate(self.factors):
            full = full.repeat(factor, axis)
        nz, ny, nx = self.full_shape
        return full[:nz, :ny, :nx]

    def reduce(self, full: NDArray[np.int16]) -> NDArray[np.int16]:
        """Average blocks of a turned array down to the working grid; one that juts out of the scan what it holds of it.

        Were it filled with air, chest wall that the field of view cuts would be air along two sides of the picture.
        """
        fz, fy, fx = self.factors
        nz, ny, nx = self.shape
        reduced = np.empty(self.shape, np.int16)
        total = np.zeros((ny * fy, nx * fx), np.int32)
        held = np.multiply.outer(_held(ny, fy, full.shape[1]), _held(nx, fx, full.shape[2]))  # (rows, columns) voxels
        for z in range(nz):
            block = full[z * fz : (z + 1) * fz]
            total[: full.shape[1], : full.shape[2]] = block.sum(axis=0, dtype=np.int32) if fz > 1 else block[0]
            summed = sum(total[i::fy, j::fx] for i in range(fy) for j in range(fx))
            reduced[z] = np.floor_divide(summed, len(block) * held)
        return reduced


def _held(n_blocks: int, factor: int, size: int) -> NDArray[np.int32]:
    """Return how many voxels of the scan each block holds along one axis."""
    return np.minimum(factor, size - factor * np.arange(n_blocks)).astype(np.int32)


def working_grid(shape: tuple[int, int, int], lps_from_zyx: NDArray[np.float64]) -> WorkingGrid:
    """Plan the working grid of a scan.

    Parameters
    ----------
    shape : the scan's (slices, rows, columns).
    lps_from_zyx : (4, 4) float64, mm.
    """
    steps = lps_from_zyx[:3, :3]
    spacing = np.linalg.norm(steps, axis=0)
    cosines = steps / spacing
    axes: list[int] = []
    for direction in (2, 1, 0):  # head, back, left
        free = [axis for axis in range(3) if axis not in axes]
        axes.append(max(free, key=lambda axis: abs(float(cosines[direction, axis]))))
    flipped = tuple(bool(cosines[d, a] < 0) for d, a in zip((2, 1, 0), axes, strict=True))
    factors = tuple(max(1, int(_COARSEST_MM / float(spacing[a]))) for a in axes)
    full = tuple(shape[a] for a in axes)
    reduced = tuple(-(-n // f) for n, f in zip(full, factors, strict=True))
    coarse = tuple(float(spacing[a]) * f for a, f in zip(axes, factors, strict=True))
    return WorkingGrid(_three(axes), _three(flipped), _three(factors), _three(reduced), _three(full), _three(coarse))


def usual_grid(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> WorkingGrid:
    """Plan the working grid of a scan that lies in working axes already.

    Parameters
    ----------
    shape, spacing_mm : (head, back, left), voxels and mm.
    """
    z, y, x = spacing_mm
    return working_grid(shape, np.array([[0, 0, x, 0], [0, y, 0, 0], [z, 0, 0, 0], [0, 0, 0, 1]], np.float64))


def lps_from_working(grid: WorkingGrid, lps_from_zyx: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix of the working grid's block centres."""
    zyx_from_working = np.zeros((4, 4))
    zyx_from_working[3, 3] = 1.0
    for i, (axis, flip, factor, size) in enumerate(
        zip(grid.axes, grid.flipped, grid.factors, grid.full_shape, strict=True)
    ):
        offset = (factor - 1) / 2.0
        zyx_from_working[axis, i] = -factor if flip else factor
        zyx_from_working[axis, 3] = size - 1 - offset if flip else offset
    lps: NDArray[np.float64] = lps_from_zyx @ zyx_from_working
    return lps


def _three(values: list[_Any] | tuple[_Any, ...]) -> tuple[_Any, _Any, _Any]:
    a, b, c = values
    return (a, b, c)
