"""How each case stands: worked on, failed, delivered, waiting for whom; from the engine's word and the case's files."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dbos import WorkflowStatus

from node.engine.case_file import CaseFile, result_folder
from node.engine.delivery_file import Delivery, Stage, all_deliveries
from node.engine.files import read_json
from node.engine.outbox import kept
from node.engine.steps import SAFE_FILE
from node.engine.stopped import why_stopped
from node.engine.waiting_file import kept_back
from node.errors import Code, Misconfigured, WorldUnavailable

DONE = "done"
FAILED = "failed"
LOST = "lost"
NOWHERE = "no destination"
DAMAGED = "damaged"  # one of its files
_EXCEEDED = "MAX_RECOVERY_ATTEMPTS_EXCEEDED"
_TOO_OFTEN = WorldUnavailable(
    "ENG-TRIES",
    "its worker ended 100 times before the case did, and it is not begun any more; the log says what ended the worker "
    "(engine.loop_ended, serve.process_ended, the kernel for memory)",
)
_WORDS = {
    "ABSENT": "not queued",
    "DELAYED": "waiting for its hour",
    "ENQUEUED": "queued",
    "PENDING": "working",
    "ERROR": FAILED,
    "CANCELLED": "cancelled",
    _EXCEEDED: FAILED,
}


@dataclass(frozen=True, slots=True)
class Job:
    """One case as it stands. `why` is the last reason, `outcome` what the analysis came to, "" where it is open."""

    case: CaseFile
    state: str
    why: str
    outcome: str
    codes: tuple[str, ...]
    deliveries: tuple[Delivery, ...]
    superseded_by: str | None = None  # workflow id of the newer run of the same analysis
    arrived_twice: tuple[str, ...] = ()  # SOP Instance UIDs of the case under which something else came too
    changed_s: float = 0.0  # when something last became of it, seconds since 1970

    def as_json(self) -> dict[str, Any]:
        """Return the line of `jobs list`."""
        return {
            "workflow_id": self.case.workflow_id,
            "study_instance_uid": self.case.study_instance_uid,
            "series_instance_uid": self.case.anchor.series_instance_uid,
            "route": self.case.route,
            "ordinal": self.case.ordinal,
            "predecessor": self.case.predecessor,
            "state": self.state,
            "outcome": self.outcome,
            "codes": list(self.codes),
            "arrived_twice": list(self.arrived_twice),
            "why": self.why,
            "superseded_by": self.superseded_by,
            "created": clock(self.case.created_s),
            "changed": clock(self.changed_s),
            "destinations": {d.destination: d.stage.value for d in self.deliveries},
        }


def job_of(data_dir: Path, case: CaseFile, status: WorkflowStatus | None, twice: frozenset[str]) -> Job:
    """Return a case as it stands; one of whose files is damaged says so.

    Parameters
    ----------
    twice : SOP Instance UIDs under which something else arrived too.
    """
    try:
        return _sound_job(data_dir, case, status, twice)
    except Misconfigured as error:  # what stands in the damaged file is not known: nothing is said of the rest
        return Job(case, DAMAGED, f"{error.code}: {error.message}", "", (error.code,), ())


def _sound_job(data_dir: Path, case: CaseFile, status: WorkflowStatus | None, twice: frozenset[str]) -> Job:
    folder = result_folder(data_dir, case.workflow_id)
    deliveries = all_deliveries(folder)
    result = read_json(folder / "result.json") or {}
    state, why = _state(folder, status, deliveries)
    uids = {uid for series in (case.anchor, *case.partners) for uid, _ in series.files}
    again = tuple(sorted(twice & uids))
    codes = [r["code"] for r in result.get("reasons", ())] + [Code.ID_DUPDIFF.value] * bool(again)
    outcome = result.get("outcome", "")
    return Job(
        case,
        state,
        why or _last(case.why),
        outcome,
        tuple(dict.fromkeys(codes)),
        deliveries,
        arrived_twice=again,
        changed_s=_changed_s(folder, status, case),
    )


def _changed_s(folder: Path, status: WorkflowStatus | None, case: CaseFile) -> float:
    """Return when the case or one of its deliveries last changed: in the engine, or in its files."""
    in_engine_ms = status.updated_at if status and status.updated_at else 0
    files = (folder, *folder.glob("*.json"), *folder.glob("delivery/*.json"))
    return max(case.created_s, in_engine_ms / 1000.0, *(_modified_s(file) for file in files))


def _modified_s(file: Path) -> float:
    """Return a file's time; 0 where it was replaced or removed meanwhile."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _state(folder: Path, status: WorkflowStatus | None, deliveries: tuple[Delivery, ...]) -> tuple[str, str]:
    stopped_by = why_stopped(folder)
    if stopped_by is not None:
        return stopped_by[0].value, stopped_by[1]
    if (folder / SAFE_FILE).exists():
        return DONE, ""
    word = status.status if status else "ABSENT"
    waits_for = kept_back(folder)
    if waits_for is not None and word in ("PENDING", "SUCCESS"):
        return f"waiting: {waits_for.value}", ""
    if word in _WORDS:
        return _WORDS[word], _why_failed(_TOO_OFTEN if word == _EXCEEDED else getattr(status, "error", None))
    return _state_of_ended(folder, deliveries)


def _state_of_ended(folder: Path, deliveries: tuple[Delivery, ...]) -> tuple[str, str]:
    """Return the state of a case that was analysed and is not delivered yet."""
    if kept(folder) is None:
        return LOST, "its results are not here any more, though it had ended"
    if not deliveries:
        return NOWHERE, "it is kept here: no destination is configured for it"
    for stage in (Stage.DEAD, Stage.HELD, Stage.CANCELLED):
        stopped = next((d for d in deliveries if d.stage is stage), None)
        if stopped is not None:
            return stage.value, f"{stopped.destination}: {stopped.why}"
    waiting = next((d for d in deliveries if d.stage is Stage.WAITING and d.why), None)
    return "delivering", f"{waiting.destination}: {waiting.why}" if waiting else ""


def _why_failed(error: Exception | None) -> str:
    if error is None:
        return ""
    if hasattr(error, "code"):
        return f"{error.code}: {getattr(error, 'message', '')}"
    return f"{type(error).__name__}; the log has the details"


def _last(texts: tuple[str, ...]) -> str:
    return texts[-1] if texts else ""


def clock(at_s: float) -> str:
    """Return a time in words, seconds since 1970 in UTC."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds")
