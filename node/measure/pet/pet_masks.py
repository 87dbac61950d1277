"""The lesions' 41 % masks as one label map on the PET grid, which becomes the PET's own SEG (one SEG per series)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.measure.pet.lesion_uptake import LesionUptake
from node.segment.contract import Segment, SegmentKind
from node.volume.pet import PetVolume


@dataclass(frozen=True, slots=True)
class PetMasks:
    """`labels_zyx` is uint8 on the PET grid, read-only; segments carry the CT lesions' labels and names.

    Of voxels that two masks claim the hotter lesion's keeps them; a lesion left without voxels has no segment.
    """

    labels_zyx: NDArray[np.uint8]
    segments: tuple[Segment, ...]


def pet_masks(pet: PetVolume, lesions: Sequence[LesionUptake]) -> PetMasks:
    """Paint the masks, the coolest first."""
    labels_zyx = np.zeros(pet.suv_zyx.shape, np.uint8)
    measured = [one for one in lesions if one.maximum_zyx is not None]
    for one in sorted(measured, key=lambda lesion: float(pet.suv_zyx[lesion.maximum_zyx or (0, 0, 0)])):
        if one.mask_zyx is None or one.mask_origin_zyx is None:
            continue
        window = tuple(slice(a, a + n) for a, n in zip(one.mask_origin_zyx, one.mask_zyx.shape, strict=True))
        labels_zyx[window][one.mask_zyx] = one.label
    labels_zyx.setflags(write=False)
    present = set(np.unique(labels_zyx).tolist())
    return PetMasks(
        labels_zyx,
        tuple(Segment(one.label, SegmentKind.LESION, one.name) for one in measured if one.label in present),
    )
