"""A CT volume in Hounsfield units with its place in the patient.

Index order is zyx = (slice, row, column), 0-based, integers at voxel centres. Slices are ordered by their projection
on the slice normal (row direction x column direction), ascending: towards the head in an axial scan. Patient space
is LPS in mm.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.errors import Reason
from node.facts.series import SeriesFacts


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """Which frame of which instance a slice came from (frame_number is 1-based; 1 for single-frame objects)."""

    sop_class_uid: str
    sop_instance_uid: str
    frame_number: int


@dataclass(frozen=True, slots=True)
class Volume:
    """What `segment` and `measure` are given.

    Attributes
    ----------
    hu_zyx : (slices, rows, columns) int16, Hounsfield units, read-only. Padding is -1024.
    lps_from_zyx : (4, 4) float64, mm. Maps (z, y, x, 1) to patient space.
    frames : one per slice, in the order of the first axis.
    slice_thickness_mm : as in the header (not the step), None where unknown.
    padded_frac : fraction of voxels that were padding.
    reasons : warnings and partial refusals (density, lesions) found while reading.
    series : the headers that it was read from.
    """

    hu_zyx: NDArray[np.int16]
    lps_from_zyx: NDArray[np.float64]
    frames: tuple[SourceFrame, ...]
    slice_thickness_mm: float | None
    padded_frac: float
    reasons: tuple[Reason, ...]
    series: SeriesFacts

    @property
    def spacing_zyx_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along each axis, mm."""
        z, y, x = np.linalg.norm(self.lps_from_zyx[:3, :3], axis=0).tolist()
        return (z, y, x)

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel, ml."""
        z, y, x = self.spacing_zyx_mm
        return z * y * x / 1000.0
