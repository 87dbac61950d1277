"""What is known under a Study or Series Instance UID: cases, what is waited for, why a series was not chosen."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from node.engine.files import read_json
from node.engine.job_state import Job
from node.engine.jobs import Database, jobs
from node.engine.stores import opened_stores
from node.errors import Misconfigured
from node.settings import Settings
from node.store.ledger import Decision


@dataclass(frozen=True, slots=True)
class Traces:
    """Everything about one UID. `decisions` holds the newest of each series of the study, or of the one series."""

    jobs: tuple[Job, ...]
    waiting: tuple[dict[str, Any], ...]
    decisions: tuple[Decision, ...]

    def as_json(self) -> dict[str, Any]:
        """Return what `jobs show UID --json` prints."""
        return {
            "jobs": [one.as_json() for one in self.jobs],
            "waiting": list(self.waiting),
            "decisions": [decision_json(one) for one in self.decisions],
        }


def is_uid(text: str) -> bool:
    """Whether it can only be a UID: the id of a job has no dots."""
    return "." in text and all(part.isdigit() for part in text.split("."))


def traces_of(settings: Settings, engine: Database, uid: str) -> Traces:
    """Gather what is known of a study or series.

    Raises
    ------
    Misconfigured
        JOB-UNKNOWN where nothing was ever decided about it, or retention removed what was.
    """
    lines = read_json(settings.data_dir / "engine" / "waiting.json") or []
    waiting = tuple(w for w in lines if uid in (w["study_instance_uid"], w["series_instance_uid"]))
    found = tuple(one for one in jobs(settings, engine) if uid in _uids(one))
    with opened_stores(settings) as stores:
        decisions = _newest(stores.ledger.about(uid))
    if not (waiting or found or decisions):
        raise Misconfigured(
            "JOB-UNKNOWN",
            f"nothing is known of {uid} here: it did not arrive, was refused (receive.… lines of the log), or is "
            "longer ago than disk.retention_days",
        )
    return Traces(found, waiting, decisions)


def decision_json(decision: Decision) -> dict[str, Any]:
    """Return a decision as programs read it."""
    at = datetime.fromtimestamp(decision.at_s, UTC).isoformat(timespec="seconds")
    return {"at": at, "decision": decision.kind, "why": decision.reason} | decision.fields


def _uids(one: Job) -> set[str]:
    series = (one.case.anchor, *one.case.partners)
    return {one.case.study_instance_uid, *(s.series_instance_uid for s in series)}


def _newest(decisions: tuple[Decision, ...]) -> tuple[Decision, ...]:
    """Keep the newest decision about each series, and about each instance that arrived again."""
    newest: dict[tuple[object, object], Decision] = {}
    for one in decisions:
        key = (one.fields.get("series_uid"), one.fields.get("sop_uid"))
        newest.pop(key, None)
        newest[key] = one
    return tuple(newest.values())
