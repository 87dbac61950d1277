"""What a report says of a CT's PET: its groups and segmentation where it was measured, its codes either way."""

from dataclasses import dataclass

from highdicom.sr import ContentItem
from numpy import float64
from numpy.typing import NDArray

from node.report import codes, tree
from node.report.document import Reference
from node.report.pet_groups import pet_groups, pet_words
from node.report.pet_result import ABOUT, PetResult, PreparedPet
from node.report.segments import Tracked
from node.report.source import Source
from node.report.stamp import Job
from node.report.statements import warnings
from node.segment.contract import SegmentKind


@dataclass(frozen=True, slots=True)
class PetSection:
    """A PET as the report needs it. `prepared` is None where it was refused, `seg` where no lesion has a mask in it."""

    result: PetResult
    prepared: PreparedPet | None
    seg: Reference | None

    @property
    def lps_from_zyx(self) -> NDArray[float64] | None:
        """The PET's grid, mm."""
        return None if self.result.measured is None else self.result.measured.volume.lps_from_zyx


def section_groups(
    pet: PetSection | None, tracked: tuple[Tracked, ...], job: Job, *, searched_ct: bool
) -> list[ContentItem]:
    """Return the measurement groups of a PET."""
    if pet is None or pet.prepared is None or pet.lps_from_zyx is None:
        return []
    lesions = tuple(t for t in tracked if t.segment.kind is SegmentKind.LESION and not t.is_solid_component)
    return pet_groups(pet.prepared, pet.lps_from_zyx, lesions, pet.seg, job, searched_ct=searched_ct)


def pet_statements(pet: PetSection | None, *, searched_ct: bool) -> list[ContentItem]:
    """Return every code of the PET with its words, and what is said of it as a whole.

    Parameters
    ----------
    searched_ct : whether lesions were looked for on the CT.
    """
    if pet is None:
        return []
    words = [] if pet.prepared is None else pet_words(pet.prepared, searched_ct=searched_ct)
    if pet.prepared is None:
        words = ["PET: not measured; the codes say why."]
    return [
        *warnings(pet.result.reasons, ABOUT),
        *(tree.text(tree.CONTAINS, codes.COMMENT, text) for text in words),
    ]


def lesion_statements(pet: PetSection | None, tracked: Tracked) -> list[ContentItem]:
    """Return why a CT lesion has no numbers of the PET, where it has none for a reason of its own."""
    lesion = None if pet is None or pet.prepared is None else pet.prepared.lesion(tracked.segment.label)
    if lesion is None or tracked.is_solid_component:
        return []
    return warnings(lesion.refused_by, ABOUT)


def sources_of(pet: PetSection | None) -> tuple[Source, ...]:
    """Return the images of a measured PET."""
    return () if pet is None or pet.prepared is None else (pet.prepared.source,)


def segmentations_of(pet: PetSection | None) -> tuple[Reference, ...]:
    """Return the PET's segmentation."""
    return () if pet is None or pet.seg is None else (pet.seg,)
