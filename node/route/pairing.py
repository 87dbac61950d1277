"""Which PET belongs to a CT: the same study and frame of reference, corrected for attenuation before not.

Among several attenuation-corrected ones the highest matrix wins, then the lowest Series Number (standards PT-MULTI).
A series is taken for uncorrected by its units, its description or its Corrected Image list, since an uncorrected series
may name ATTN all the same.
"""

import re
from collections.abc import Sequence

from node.facts.series import SeriesFacts

_ABSOLUTE_UNITS = frozenset(("BQML", "GML", "CNTS", ""))  # standards PT-UNITS; "" is unknown, not a "no"
UNCORRECTED = re.compile(r"(?<![a-z])(nac|non?[ _-]?ac|uncorr[a-z]*)(?![a-z])", re.IGNORECASE)


def partners_of(anchor: SeriesFacts, pets: Sequence[SeriesFacts]) -> tuple[SeriesFacts, ...]:
    """Return the PETs of the anchor's frame of reference, the chosen one first."""
    frame = anchor.first.geometry.frame_of_reference_uid
    same = [pet for pet in pets if frame and pet.first.geometry.frame_of_reference_uid == frame]
    return tuple(sorted(same, key=_rank))


def is_attenuation_corrected(pet: SeriesFacts) -> bool:
    """Say whether units, description and Corrected Image all allow it."""
    facts = pet.first
    if facts.pet_units not in _ABSOLUTE_UNITS or UNCORRECTED.search(facts.series_description):
        return False
    return not facts.corrected_image or "ATTN" in facts.corrected_image


def _rank(pet: SeriesFacts) -> tuple[bool, int, float, str]:
    number = pet.first.series_number
    return (
        not is_attenuation_corrected(pet),
        -(pet.first.geometry.rows or 0),
        float("inf") if number is None else number,
        pet.series_instance_uid,
    )
