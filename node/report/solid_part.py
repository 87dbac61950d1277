"""The solid component of a part-solid lesion as a mask: its own segment, which overlaps that of its lesion.

The measurements hold its size, not its voxels; the mask is found again by the same definition and must have as many.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.errors import OurMistake
from node.measure.lesions.marks import Box
from node.measure.lesions.solid import composition
from node.measure.lesions.values import LesionMeasurements
from node.segment.contract import Segmentation
from node.volume.volume import Volume


@dataclass(frozen=True, slots=True)
class SolidPart:
    """`mask_zyx` (bool) fills `box` of the volume."""

    box: Box
    mask_zyx: NDArray[np.bool_]

    @property
    def slices(self) -> list[int]:
        """Slices of the volume that hold it."""
        first = self.box[0].start
        return [first + int(z) for z in np.nonzero(self.mask_zyx.any(axis=(1, 2)))[0]]


def solid_parts(
    volume: Volume, segmentation: Segmentation, lesions: Iterable[LesionMeasurements], box_of: Mapping[int, Box]
) -> dict[int, SolidPart]:
    """Return the solid component of each lesion that was measured to have one, by the lesion's label.

    Raises
    ------
    OurMistake
        SOLID-PART where it is not the one that was measured.
    """
    parts: dict[int, SolidPart] = {}
    for lesion in lesions:
        if lesion.solid is None:
            continue
        box = box_of[lesion.label]
        found = composition(volume.hu_zyx[box], segmentation.labels_zyx[box] == lesion.label, volume.lps_from_zyx)
        mask_zyx = None if found is None else found.component_zyx
        if mask_zyx is None or int(np.count_nonzero(mask_zyx)) != lesion.solid.n_voxels:
            raise OurMistake("SOLID-PART", f"the solid component of {lesion.name} is not the one that was measured")
        parts[lesion.label] = SolidPart(box, mask_zyx)
    return parts
