"""The longest line of a lesion in an axial, coronal or sagittal plane: the diameter that size categories use.

The planes are those of the scan's grid, named by the patient axis that their normal is nearest to; the outline is
that of `outline.py`. Of equally long lines the axial one counts, then the coronal one.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from node.errors import OurMistake
from node.measure.lesions.outline import outlines
from node.segment.working_grid import working_grid

_TIE_MM = 1e-6


class Plane(StrEnum):
    """Of the patient."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


@dataclass(frozen=True, slots=True)
class LongestLine:
    """How long, and in which plane."""

    length_mm: float
    plane: Plane


def longest_line(mask_zyx: NDArray[np.bool_], lps_from_zyx: NDArray[np.float64]) -> LongestLine:
    """Measure the longest line.

    Parameters
    ----------
    mask_zyx : (slices, rows, columns) bool
    lps_from_zyx : (4, 4) float64, mm

    Raises
    ------
    OurMistake
        LES-EMPTY if nothing is set.
    """
    if not mask_zyx.any():
        raise OurMistake("LES-EMPTY", "a diameter was asked for a mask without voxels")
    spacing_zyx_mm = np.linalg.norm(lps_from_zyx[:3, :3], axis=0).tolist()
    nz, ny, nx = mask_zyx.shape
    best = LongestLine(0.0, Plane.AXIAL)
    for plane, normal_axis in zip(Plane, working_grid((nz, ny, nx), lps_from_zyx).axes, strict=True):
        row_axis, column_axis = (axis for axis in range(3) if axis != normal_axis)
        spacing_mm = (spacing_zyx_mm[row_axis], spacing_zyx_mm[column_axis])
        stack = mask_zyx.transpose(normal_axis, row_axis, column_axis)
        length_mm = _longest_mm(stack, spacing_mm, best.length_mm)
        if length_mm > best.length_mm + _TIE_MM:
            best = LongestLine(length_mm, plane)
    return best


def _longest_mm(stack: NDArray[np.bool_], spacing_mm: tuple[float, float], best_mm: float) -> float:
    """Return the longest line of any plane of the stack, or `best_mm` where none is longer."""
    for at_most_mm, outline in outlines(stack, spacing_mm):
        if at_most_mm <= best_mm:
            break
        best_mm = max(best_mm, float(pdist(outline.hull * spacing_mm).max()))
    return best_mm
