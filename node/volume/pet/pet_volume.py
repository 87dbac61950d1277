"""A PET volume in SUV on its own grid. Index order, slice order and patient space are those of `volume.py`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.errors import Reason
from node.facts.series import SeriesFacts
from node.volume.pet.suv import SuvScale
from node.volume.volume import SourceFrame


@dataclass(frozen=True, slots=True)
class PetVolume:
    """What `measure` is given of a PET.

    Attributes
    ----------
    suv_zyx : (slices, rows, columns) float32, g/ml of `scale.kind`, read-only. Padding is 0.
    lps_from_zyx : (4, 4) float64, mm. Maps (z, y, x, 1) to patient space.
    frames : one per slice, in the order of the first axis.
    rescale_slopes : per slice, as in the headers.
    scale : factors per slice in the same order, and their working.
    reasons : warnings, and what refuses SUL.
    series : the headers that it was read from.
    """

    suv_zyx: NDArray[np.float32]
    lps_from_zyx: NDArray[np.float64]
    frames: tuple[SourceFrame, ...]
    rescale_slopes: tuple[float, ...]
    scale: SuvScale
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
        return abs(float(np.linalg.det(self.lps_from_zyx[:3, :3]))) / 1000.0
