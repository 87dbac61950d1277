"""Which PET belongs to a CT: the same study and frame of reference, corrected for attenuation before not.

Among several attenuation-corrected ones the highest matrix wins, then the lowest Series Number (standards PT-MULTI);
at a site that harmonises as EARL does, those without resolution modelling come before both.
A series is taken for uncorrected by its units, its description or its Corrected Image list, since an uncorrected series
may name ATTN all the same.
"""

import re
from collections.abc import Sequence

from node.errors import Code, Reason, warn
from node.facts.series import SeriesFacts

_ABSOLUTE_UNITS = frozenset(("BQML", "GML", "CNTS", ""))  # standards PT-UNITS; "" is unknown, not a "no"
UNCORRECTED = re.compile(r"(?<![a-z])(nac|non?[ _-]?ac|uncorr[a-z]*)(?![a-z])", re.IGNORECASE)


_SHARPENED = re.compile(r"psf|true\s*x|sharp\s*ir", re.IGNORECASE)  # names of resolution modelling


def partners_of(anchor: SeriesFacts, pets: Sequence[SeriesFacts], *, earl: bool = False) -> tuple[SeriesFacts, ...]:
    """Return the PETs of the anchor's frame of reference, the chosen one first; `earl`: rather without sharpening."""
    frame = anchor.first.geometry.frame_of_reference_uid
    same = [pet for pet in pets if frame and pet.first.geometry.frame_of_reference_uid == frame]
    return tuple(sorted(same, key=lambda pet: _rank(pet, earl=earl)))


def choice_among(partners: Sequence[SeriesFacts], *, earl: bool) -> tuple[Reason, ...]:
    """Say by which rule the first was chosen, where there was a choice of corrected ones (PT-MULTI)."""
    corrected = [pet for pet in partners if is_attenuation_corrected(pet)]
    if len(corrected) < 2:
        return ()
    rule = "without resolution modelling, then " if earl else ""
    text = (
        f"{len(corrected)} corrected reconstructions: series {corrected[0].first.series_number} was taken "
        f"({rule}highest matrix, then lowest series number)"
    )
    return (warn(Code.PT_MULTI, text),)


def is_attenuation_corrected(pet: SeriesFacts) -> bool:
    """Say whether units, description and Corrected Image all allow it."""
    facts = pet.first
    if facts.pet_units not in _ABSOLUTE_UNITS or UNCORRECTED.search(facts.series_description):
        return False
    return not facts.corrected_image or "ATTN" in facts.corrected_image


def _rank(pet: SeriesFacts, *, earl: bool) -> tuple[bool, bool, int, float, str]:
    number = pet.first.series_number
    return (
        not is_attenuation_corrected(pet),
        earl and _SHARPENED.search(pet.first.series_description) is not None,
        -(pet.first.geometry.rows or 0),
        float("inf") if number is None else number,
        pet.series_instance_uid,
    )
