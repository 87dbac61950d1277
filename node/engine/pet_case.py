"""The PET partner of a segmented CT: checked against it, read and measured, or refused without harm to the CT."""

from dataclasses import dataclass

from node.engine.pet_line import FocusLine, PetLine, line_of_headers
from node.errors import Reason, Refusal, Severity
from node.facts.series import SeriesFacts
from node.measure.pet import LesionUptake, PetMeasurements, Statistic, Threshold, measure_pet
from node.segment.contract import Segmentation
from node.volume.pet import SuvKind, check_pairing, read_pet
from node.volume.volume import Volume


@dataclass(frozen=True, slots=True)
class Uptake:
    """The PET numbers of one lesion for `result.json`, by its label; None where a number was refused."""

    label: int
    suv_max: float | None
    suv_peak: float | None
    sul_max: float | None
    mtv_ml: dict[str, float | None]
    tlg_g: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class PetCase:
    """What came of a partner."""

    line: PetLine
    uptakes: tuple[Uptake, ...] = ()


def measure_partner(
    pet: SeriesFacts,
    volume: Volume,
    segmentation: Segmentation,
    reasons: tuple[Reason, ...],
    *,
    refuse_without_patient_id: bool = True,
) -> PetCase:
    """Measure the PET of a CT.

    Parameters
    ----------
    pet : series
    volume, segmentation : of the CT
    reasons : everything found about the CT so far
    refuse_without_patient_id : whether an empty Patient ID refuses the PET (ID-NOPID)
    """
    pairing = check_pairing(volume.series, pet)
    if any(r.severity is Severity.REFUSE for r in pairing):
        return PetCase(line_of_headers(pet, pairing))
    source = read_pet(pet, refuse_without_patient_id=refuse_without_patient_id)
    if isinstance(source, Refusal):
        return PetCase(line_of_headers(pet, (*pairing, *source.reasons)))
    found = measure_pet(source, volume, segmentation, reasons)
    return PetCase(
        PetLine(
            pet.series_instance_uid,
            source.scale.suvbw_factor,
            tuple(dict.fromkeys((*pairing, *found.reasons))),
            _foci(found),
        ),
        tuple(_uptake(lesion) for lesion in found.lesions),
    )


def _foci(found: PetMeasurements) -> tuple[FocusLine, ...]:
    return tuple(FocusLine(focus.centre_lps_mm, focus.suv_max) for focus in found.foci or ())


def _uptake(lesion: LesionUptake) -> Uptake:
    return Uptake(
        label=lesion.label,
        suv_max=lesion.value(Statistic.MAX),
        suv_peak=lesion.value(Statistic.PEAK),
        sul_max=lesion.value(Statistic.MAX, SuvKind.LBMJANMA),
        mtv_ml={t.value: lesion.value(Statistic.MTV, threshold=t) for t in Threshold},
        tlg_g={t.value: lesion.value(Statistic.TLG, threshold=t) for t in Threshold},
    )
