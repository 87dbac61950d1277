"""Which reasons withhold which lung measurement (standards reference, part 4).

Refused lung density withholds LAA, Perc15 and PD15; the mean too where contrast, expiration or cut-off lungs are the
reason, not for kernel and thickness, to which it is robust.
"""

from collections.abc import Iterable

from node.errors import Affects, Code, Reason, Severity
from node.measure.quantity import Name

_SHIFTS_THE_MEAN = frozenset({Code.ACQ_CONTRAST, Code.ACQ_EXP, Code.GEO_PARTIAL})
_MEANS = frozenset({Name.MEAN_LUNG_DENSITY, Name.SD_LUNG_DENSITY})


def withheld_by(name: Name, reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Return those of `reasons` that withhold the measurement `name`, in their order, each code once."""
    found: dict[Code, Reason] = {}
    for reason in reasons:
        if reason.severity is Severity.REFUSE and _withholds(name, reason):
            found.setdefault(reason.code, reason)
    return tuple(found.values())


def _withholds(name: Name, reason: Reason) -> bool:
    if Affects.SERIES in reason.affects:
        return True
    if name is Name.LUNG_VOLUME:
        return Affects.VOLUMES in reason.affects
    if name in _MEANS:
        shifted = Affects.DENSITY in reason.affects and reason.code in _SHIFTS_THE_MEAN
        return shifted or Affects.MEAN_DENSITY in reason.affects
    return Affects.DENSITY in reason.affects
