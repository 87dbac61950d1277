"""What an analysis came to: the content of `result.json`, of `--json` and of `jobs show` (architecture 7)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from node.engine.pet_line import PET_WAITS, PetLine
from node.engine.prior_line import PriorLine
from node.errors import Code, Reason, Severity
from node.measure.quantity import Quantity
from node.report.encoded import EncodedObject
from node.segment.contract import ModelIdentity

SCHEMA_VERSION = 1


class Verdict(StrEnum):
    """How it ended."""

    PROCESSED = "processed"  # a SEG was made
    NOTHING_FOUND = "nothing-found"  # a route without lungs found no lesion
    REFUSED = "refused"  # selected, then refused
    NOT_ROUTED = "not-routed"  # nothing to analyse

    @property
    def exit_code(self) -> int:
        """Exit status of `lungnode analyse`."""
        return 3 if self in (Verdict.REFUSED, Verdict.NOT_ROUTED) else 0


class SeriesRole(StrEnum):
    """What became of one series."""

    ANALYSED = "analysed"
    PASSED_OVER = "passed-over"
    SKIPPED = "skipped"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class SeriesLine:
    """One series that was looked at."""

    series_instance_uid: str
    modality: str
    role: SeriesRole
    reasons: tuple[Reason, ...] = ()


def pet_series(series_uid: str, modality: str, line: PetLine | None) -> SeriesLine:
    """Say what became of a CT's PET; None where the CT itself came to nothing."""
    if line is None:
        return SeriesLine(series_uid, modality, SeriesRole.PASSED_OVER, (PET_WAITS,))
    role = SeriesRole.REFUSED if line.is_refused else SeriesRole.ANALYSED
    return SeriesLine(series_uid, modality, role, line.reasons)


@dataclass(frozen=True, slots=True)
class FileLine:
    """One file that could not be read at all."""

    path: str
    code: Code
    foreign: bool = False  # of another kind than DICOM: counted for a person, not listed


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that `result.json` says. Durations are seconds."""

    verdict: Verdict
    study_instance_uid: str | None
    reasons: tuple[Reason, ...] = ()
    unsure: tuple[str, ...] = ()
    series: tuple[SeriesLine, ...] = ()
    files: tuple[FileLine, ...] = ()
    models: tuple[ModelIdentity, ...] = ()
    measurements: tuple[Quantity, ...] = ()
    findings: tuple[dict[str, Any], ...] = ()
    pet: tuple[PetLine, ...] = ()
    prior: PriorLine | None = None
    objects: tuple[EncodedObject, ...] = ()
    timings_s: dict[str, float] = field(default_factory=dict)

    def as_json(self, relative_to: Path) -> dict[str, Any]:
        """Return the object of architecture 7; paths are relative to `relative_to`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "study_instance_uid": self.study_instance_uid,
            "outcome": self.verdict.value,
            "reasons": [reason_json(r) for r in self.reasons],
            "unsure": list(self.unsure),
            "series": [
                {
                    "series_instance_uid": s.series_instance_uid,
                    "modality": s.modality,
                    "role": s.role.value,
                    "reasons": [reason_json(r) for r in s.reasons],
                }
                for s in self.series
            ],
            "files": [{"path": f.path, "code": f.code.value} for f in self.files],
            "models": {m.task.value: {"name": m.name, "version": m.version, "digest": m.digest} for m in self.models},
            "measurements": [quantity_json(q) for q in self.measurements],
            "findings": list(self.findings),
            "pet": [line.as_json() for line in self.pet],
            "prior": None if self.prior is None else self.prior.as_json(),
            "objects": [
                {
                    "kind": o.kind,
                    "path": o.path.relative_to(relative_to).as_posix(),
                    "sop_class_uid": o.sop_class_uid,
                    "sop_instance_uid": o.sop_instance_uid,
                    "series_number": o.series_number,
                }
                for o in self.objects
            ],
            "timings_s": {step: round(seconds, 4) for step, seconds in self.timings_s.items()},
        }


def reason_json(reason: Reason) -> dict[str, Any]:
    """Return a reason as JSON."""
    return {
        "code": reason.code.value,
        "text": reason.text,
        "severity": reason.severity.value,
        "affects": [a.value for a in reason.affects],
    }


def quantity_json(quantity: Quantity) -> dict[str, Any]:
    """Return a measurement as JSON: value null where it was refused, with the codes."""
    return {
        "name": quantity.name.value,
        "side": quantity.side.value,
        "zone": quantity.zone,
        "value": quantity.value,
        "unit": quantity.unit,
        "definition": quantity.definition,
        "partial": quantity.partial,
        "refused_by": [r.code.value for r in quantity.refused_by],
    }


def refusing(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Keep those that withhold something."""
    return tuple(r for r in reasons if r.severity is Severity.REFUSE)
