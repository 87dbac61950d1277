"""All measures of size of one mask; a lesion and its solid component are measured alike."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.measure.lesions.axes import Axes, recist_axes
from node.measure.lesions.diameter import mean_diameter_mm
from node.measure.lesions.mpr import LongestLine, longest_line
from node.measure.lesions.shape import Shape, measure_shape


@dataclass(frozen=True, slots=True)
class Size:
    """`volume_mm3` is voxels x volume of one voxel (IBSI YEKZ); the mesh's volume is in `shape`."""

    axes: Axes
    mean_diameter_mm: float
    longest: LongestLine
    n_voxels: int
    volume_mm3: float
    shape: Shape


def measure_size(
    mask_zyx: NDArray[np.bool_],
    lps_from_zyx: NDArray[np.float64],
    *,
    first_slice: int = 0,
    origin_yx: tuple[int, int] = (0, 0),
) -> Size:
    """Measure a mask that has voxels.

    Parameters
    ----------
    mask_zyx : (slices, rows, columns) bool
        A part of the volume.
    lps_from_zyx : (4, 4) float64, mm
    first_slice, origin_yx : where in the volume the part begins, so that slice and ends are the volume's.
    """
    z, y, x = np.linalg.norm(lps_from_zyx[:3, :3], axis=0).tolist()
    axes = _moved(recist_axes(mask_zyx, (z, y, x)), first_slice, origin_yx)
    n_voxels = int(np.count_nonzero(mask_zyx))
    return Size(
        axes=axes,
        mean_diameter_mm=mean_diameter_mm(axes.long_mm, axes.short_mm),
        longest=longest_line(mask_zyx, lps_from_zyx),
        n_voxels=n_voxels,
        volume_mm3=n_voxels * z * y * x,
        shape=measure_shape(mask_zyx, (z, y, x)),
    )


def _moved(axes: Axes, first_slice: int, origin_yx: tuple[int, int]) -> Axes:
    y0, x0 = origin_yx
    (la, lb), (sa, sb) = axes.long_ends_yx, axes.short_ends_yx
    return Axes(
        axes.long_mm,
        axes.short_mm,
        axes.slice_index + first_slice,
        ((la[0] + y0, la[1] + x0), (lb[0] + y0, lb[1] + x0)),
        ((sa[0] + y0, sa[1] + x0), (sb[0] + y0, sb[1] + x0)),
    )
