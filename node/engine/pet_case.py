"""The PET partner of a segmented CT: checked against it, read and measured, or refused without harm to the CT."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from node.engine.pet_line import FocusLine, PetLine, line_of_headers
from node.errors import OurMistake, Reason, Refusal, Severity
from node.facts.series import SeriesFacts
from node.measure.chest import Chest
from node.measure.pet import measure_pet
from node.measure.pet.pet_findings import LesionPet, PetFindings, pet_findings
from node.report.pet_result import MeasuredPet, PetResult
from node.segment.contract import Segmentation
from node.settings import Settings
from node.volume.pet import PetVolume, check_pairing, read_pet
from node.volume.volume import Volume


@dataclass(frozen=True, slots=True)
class Partner:
    """The PET that was paired with a CT, and by which rule where there was a choice (PT-MULTI)."""

    series: SeriesFacts
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class PetMask:
    """The lesions' 41 % masks on the PET's own grid: uint8 (slices, rows, columns), and where that lies, mm."""

    labels_zyx: NDArray[np.uint8]
    lps_from_zyx: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PetCase:
    """What came of a partner: its line in `result.json`, and what was measured, None where it was refused."""

    line: PetLine
    found: PetFindings | None = None

    @property
    def lesions(self) -> tuple[LesionPet, ...]:
        """The CT's lesions in it."""
        return () if self.found is None else self.found.lesions


@dataclass(frozen=True, slots=True)
class MeasuredPartner:
    """What came of a partner, with its masks."""

    case: PetCase
    mask: PetMask | None = field(default=None, compare=False)


def measure_partner(
    pet: Partner,
    volume: Volume,
    segmentation: Segmentation,
    chest: Chest,
    reasons: tuple[Reason, ...],
    *,
    refuse_without_patient_id: bool = True,
) -> MeasuredPartner:
    """Measure the PET of a CT.

    Parameters
    ----------
    volume, segmentation : of the CT
    chest : the CT on the working grid
    reasons : everything found about the CT so far
    refuse_without_patient_id : whether an empty Patient ID refuses the PET (ID-NOPID)
    """
    of_pair = (*pet.reasons, *check_pairing(volume.series, pet.series))
    if any(r.severity is Severity.REFUSE for r in of_pair):
        return MeasuredPartner(PetCase(line_of_headers(pet.series, of_pair)))
    source = read_pet(pet.series, refuse_without_patient_id=refuse_without_patient_id)
    if isinstance(source, Refusal):
        return MeasuredPartner(PetCase(line_of_headers(pet.series, (*of_pair, *source.reasons))))
    measured = measure_pet(source, volume, segmentation, chest, reasons)
    found = pet_findings(measured, source.scale.kind)
    mask = PetMask(measured.masks.labels_zyx, source.lps_from_zyx)
    return MeasuredPartner(PetCase(_line(source, found, of_pair), found), mask)


def pet_result(
    partner: Partner | None, kept: PetCase | None, mask: PetMask | None, settings: Settings
) -> PetResult | None:
    """Return what the objects say of a PET that was measured or refused; its pixels are read once more.

    Raises
    ------
    OurMistake
        NO-ANALYSIS where a PET that was measured cannot be read again.
    """
    if partner is None or kept is None:
        return None
    line = kept.line
    if kept.found is None or mask is None:
        return PetResult(line.series_instance_uid, line.reasons, None)
    source = read_pet(partner.series, refuse_without_patient_id=settings.rules.refuse_without_patient_id)
    if isinstance(source, Refusal):
        raise OurMistake("NO-ANALYSIS", "a PET that was measured cannot be read any more")
    return PetResult(line.series_instance_uid, line.reasons, MeasuredPet(source, mask.labels_zyx, kept.found))


def _line(source: PetVolume, found: PetFindings, of_pair: tuple[Reason, ...]) -> PetLine:
    return PetLine(
        source.series.series_instance_uid,
        source.scale.suvbw_factor,
        tuple(dict.fromkeys((*of_pair, *found.reasons))),
        tuple(FocusLine(focus.centre_lps_mm, focus.suv_max) for focus in found.foci or ()),
    )
