"""Whether a PET belongs to the CT (REG-FOR, REG-TIME)."""

from datetime import datetime

from node.errors import Affects, Code, Reason, refuse, warn
from node.facts.pet_header import moment
from node.facts.series import SeriesFacts

MOST_APART_MIN = 60.0


def check_pairing(ct: SeriesFacts, pet: SeriesFacts, *, linked: bool = False) -> tuple[Reason, ...]:
    """Check that a CT and a PET show one patient in one place at one time.

    Parameters
    ----------
    ct, pet : series
    linked : whether a Spatial Registration object links their frames of reference
    """
    return (*_frame_of_reference(ct, pet, linked=linked), *_time(ct, pet))


def _frame_of_reference(ct: SeriesFacts, pet: SeriesFacts, *, linked: bool) -> tuple[Reason, ...]:
    uids = {file.facts.geometry.frame_of_reference_uid for series in (ct, pet) for file in series.files}
    if linked or (len(uids) == 1 and "" not in uids):
        return ()
    return (refuse(Code.REG_FOR, "CT and PET have different frames of reference, or none", Affects.PET),)


def _time(ct: SeriesFacts, pet: SeriesFacts) -> tuple[Reason, ...]:
    if ct.study_instance_uid != pet.study_instance_uid:
        return (refuse(Code.REG_TIME, "CT and PET are of different studies", Affects.PET),)
    first_ct, first_pet = _began(ct), _began(pet)
    if first_ct is None or first_pet is None:
        return (warn(Code.REG_TIME, "the time of the first acquisition of CT or PET is unknown"),)
    apart_min = abs((first_pet - first_ct).total_seconds()) / 60.0
    if apart_min <= MOST_APART_MIN:
        return ()
    text = f"the first acquisitions of CT and PET are {apart_min:.0f} min apart (limit {MOST_APART_MIN:g} min)"
    return (refuse(Code.REG_TIME, text, Affects.PET),)


def _began(series: SeriesFacts) -> datetime | None:
    known = (moment(file.facts.acquisition_datetime) for file in series.files)
    return min((at for at in known if at is not None), default=None)
