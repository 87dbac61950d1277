"""What `result.json` says of one PET: its factor, why parts of it are withheld, and foci outside the CT's lesions.

The factor stands beside a refusal too where the headers give one: a PET that is refused for its pairing keeps it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from node.errors import Affects, Code, Reason, Severity, warn
from node.facts.series import SeriesFacts
from node.route.case import Passed
from node.route.gates import is_pet
from node.volume.pet import suv_of_headers

PET_WAITS = warn(Code.RT_PASSED, "paired with the CT, and measured only where the CT is")


@dataclass(frozen=True, slots=True)
class FocusLine:
    """A candidate outside the CT's lesions."""

    centre_lps_mm: tuple[float, float, float]
    suv_max: float


@dataclass(frozen=True, slots=True)
class PetLine:
    """One PET. `suvbw_factor` is None where SUV is refused or the factor differs between slices."""

    series_instance_uid: str
    suvbw_factor: float | None
    reasons: tuple[Reason, ...]
    foci: tuple[FocusLine, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether nothing of it could be measured; without lean body mass the rest stands."""
        return any(r.severity is Severity.REFUSE and set(r.affects) != {Affects.SUL} for r in self.reasons)

    def as_json(self) -> dict[str, Any]:
        """Return the object of architecture 7."""
        return {
            "series_instance_uid": self.series_instance_uid,
            "suvbw_factor": self.suvbw_factor,
            "codes": list(dict.fromkeys(r.code.value for r in self.reasons)),
            "foci": [{"centre_lps_mm": list(f.centre_lps_mm), "suv_max": f.suv_max} for f in self.foci],
        }


def line_of_headers(series: SeriesFacts, reasons: Iterable[Reason]) -> PetLine:
    """Describe a PET whose pixels are not read: `reasons` say why, the headers give the factor and their own codes."""
    scale, of_headers = suv_of_headers(series)
    factor = None if scale is None else scale.suvbw_factor
    return PetLine(series.series_instance_uid, factor, tuple(dict.fromkeys((*reasons, *of_headers))))


def lines_of_passed(passed: Iterable[Passed]) -> tuple[PetLine, ...]:
    """Describe the PETs of a study that were not paired with a CT."""
    return tuple(line_of_headers(p.series, p.reasons) for p in passed if is_pet(p.series))
