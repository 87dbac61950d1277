"""Everything that is measured of a PET beside its segmented CT."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.errors import Code, Reason
from node.measure.chest import Chest
from node.measure.lesions.many import largest
from node.measure.pet.foci import Focus, foci
from node.measure.pet.lesion_uptake import LesionUptake, lesion_uptake, lps_of
from node.measure.pet.near_lung import near_lung
from node.measure.pet.pet_masks import PetMasks, pet_masks
from node.measure.pet.references import Reference, liver_reference, mediastinal_reference
from node.measure.pet.registration import Registration, check_registration
from node.measure.pet.resample import on_pet_grid
from node.measure.pet.search_region import SearchRegion, search_region
from node.segment.contract import Segment, Segmentation, SegmentKind
from node.volume.pet import PetVolume, SuvKind
from node.volume.volume import Volume


@dataclass(frozen=True, slots=True)
class PetMeasurements:
    """The answer.

    Attributes
    ----------
    lesions : one per measured CT lesion (the 20 largest), in the order of their labels
    foci : candidates whose maximum lies outside them; None where they were not looked for (no lungs, no SUVbw, not FDG)
    liver, mediastinum : references, None where they were not found for certain
    registration : how CT and PET fit
    masks : the lesions' 41 % masks on the PET grid
    reasons : those of the PET and of the registration
    """

    lesions: tuple[LesionUptake, ...]
    foci: tuple[Focus, ...] | None
    liver: Reference | None
    mediastinum: Reference | None
    registration: Registration
    masks: PetMasks
    reasons: tuple[Reason, ...]


def measure_pet(
    pet: PetVolume, ct_volume: Volume, segmentation: Segmentation, chest: Chest, reasons: tuple[Reason, ...] = ()
) -> PetMeasurements:
    """Measure a PET whose pairing with the CT was checked.

    Parameters
    ----------
    pet : on its own grid
    ct_volume, segmentation : of the CT; lesions are those of the CT
    chest : the CT on the working grid
    reasons : everything found about the CT so far (ACQ-CONTRAST decides what liver may look like)
    """
    registration = check_registration(pet, chest)
    found = _regions(pet, ct_volume, segmentation)
    lesions = [lesion_uptake(pet, region, segment.label, segment.name) for segment, region in found]
    lesions = [replace(one, warnings=registration.reasons) for one in _with_shared(lesions)]
    has_contrast = any(r.code is Code.ACQ_CONTRAST for r in (*ct_volume.reasons, *reasons))
    return PetMeasurements(
        lesions=tuple(lesions),
        foci=_foci(pet, chest, [(segment.name, region) for segment, region in found if region is not None]),
        liver=liver_reference(pet, chest, has_contrast=has_contrast),
        mediastinum=mediastinal_reference(pet, chest),
        registration=registration,
        masks=pet_masks(pet, lesions),
        reasons=(*pet.reasons, *registration.reasons),
    )


def _regions(pet: PetVolume, volume: Volume, segmentation: Segmentation) -> list[tuple[Segment, SearchRegion | None]]:
    boxes = ndimage.find_objects(segmentation.labels_zyx)
    of = {s.label: s for s in segmentation.segments if s.kind is SegmentKind.LESION}
    masks: dict[int, NDArray[np.bool_]] = {
        label: segmentation.labels_zyx[box] == label
        for label, box in enumerate(boxes, start=1)
        if box is not None and label in of
    }
    found = []
    for label in sorted(largest({label: int(np.count_nonzero(mask)) for label, mask in masks.items()})):
        box = boxes[label - 1]
        matrix = volume.lps_from_zyx.copy()
        matrix[:3, 3] += matrix[:3, :3] @ [s.start for s in box]
        found.append((of[label], search_region(masks[label], matrix, pet.suv_zyx.shape, pet.lps_from_zyx)))
    return found


def _with_shared(lesions: Sequence[LesionUptake]) -> list[LesionUptake]:
    """Name for each lesion the others whose maximum is the same voxel."""
    return [
        replace(
            one,
            shares_maximum_with=tuple(
                other.name
                for other in lesions
                if other is not one and one.maximum_zyx is not None and other.maximum_zyx == one.maximum_zyx
            ),
        )
        for one in lesions
    ]


def _foci(pet: PetVolume, chest: Chest, regions: Sequence[tuple[str, SearchRegion]]) -> tuple[Focus, ...] | None:
    lungs_zyx = on_pet_grid(chest.lungs, chest.lps_from_grid, pet) > 0
    if not lungs_zyx.any() or pet.scale.kind is not SuvKind.BW or not pet.scale.is_fdg:
        return None
    return tuple(
        replace(focus, side=near_lung(chest, np.array(lps_of(pet, focus.maximum_zyx))))
        for focus in foci(pet, lungs_zyx, regions)
    )
