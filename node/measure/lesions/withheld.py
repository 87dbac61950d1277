"""Which reasons withhold the measures of one lesion, and which only warn (standards reference, part 4).

A refused lesion stays a finding with its mask, centre, side and zone; it has no diameters, volumes, attenuation,
distances or bands. Small-lesion refusals (GEO-THICK over 3 mm, HU-LOSSY) hold for a long axis under 10 mm; for larger
ones they are warnings.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from node.errors import Affects, Code, Reason, Severity, refuse, warn
from node.measure.lesions.surroundings import Surroundings

SMALL_MM = 10.0

_CONCERNS_LESIONS = frozenset({Code.GEO_THICK, Code.HU_LOSSY, Code.ACQ_KERNEL, Code.SEG_MERGED})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Each code once in each."""

    refused_by: tuple[Reason, ...]
    warnings: tuple[Reason, ...]


def verdict(reasons: Iterable[Reason], around: Surroundings, long_mm: float) -> Verdict:
    """Judge one lesion.

    Parameters
    ----------
    reasons : everything found about the series
    around : the lesion's own surroundings
    long_mm : its long axis, which decides whether it is small
    """
    refused: dict[Code, Reason] = {}
    warned: dict[Code, Reason] = {}
    for reason in (*reasons, *_of_the_lesion(around)):
        if _withholds(reason, long_mm):
            refused.setdefault(reason.code, reason)
        elif reason.code in _CONCERNS_LESIONS:
            warned.setdefault(reason.code, warn(reason.code, reason.text))
    return Verdict(tuple(refused.values()), tuple(warned[code] for code in warned if code not in refused))


def _withholds(reason: Reason, long_mm: float) -> bool:
    if reason.severity is not Severity.REFUSE:
        return False
    if Affects.SERIES in reason.affects or Affects.LESIONS in reason.affects:
        return True
    return Affects.SMALL_LESIONS in reason.affects and long_mm < SMALL_MM


def _of_the_lesion(around: Surroundings) -> tuple[Reason, ...]:
    found = []
    if around.is_merged:
        text = f"{100 * around.dense_frac:.0f} % of what lies round the lesion is as dense as soft tissue (limit 50 %)"
        found.append(refuse(Code.SEG_MERGED, text, Affects.LESIONS))
    if around.is_cut:
        found.append(refuse(Code.GEO_PARTIAL, "the lesion reaches the border of the scan", Affects.LESIONS))
    return tuple(found)
