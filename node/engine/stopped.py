"""A case that was stopped before its end, and why: by hand, by a corrected identity, by a rejection, by a newer run."""

import time
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from dbos import DBOSClient

from node.engine.alerts import log_alert
from node.engine.case_file import result_folder
from node.engine.delivery_file import Stage, all_deliveries, write_delivery
from node.engine.files import read_json, write_json

_FILE = "stopped.json"
FINISHED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


class Stopped(StrEnum):
    """Why a case was stopped."""

    CANCELLED = "cancelled"
    HELD = "held"  # ID-CHANGED: the patient's or study's identity was corrected
    SUPERSEDED = "superseded"
    REJECTED = "rejected"  # a rejection note names its images or its results: nothing of it is ever sent again


def stop(data_dir: Path, engine: DBOSClient, workflow_id: str, word: Stopped, why: str) -> None:
    """Stop a case and its deliveries; what a destination has already is not taken back."""
    folder = result_folder(data_dir, workflow_id)
    mark_stopped(folder, word, why)
    running = engine.list_workflows(workflow_id_prefix=workflow_id, load_input=False, load_output=False)
    ids = [w.workflow_id for w in running if w.status not in FINISHED]
    if ids:
        engine.cancel_workflows(ids)
    stage = Stage.HELD if word is Stopped.HELD else Stage.CANCELLED
    for delivery in all_deliveries(folder):
        if delivery.stage is Stage.WAITING:
            stopped = replace(delivery, stage=stage, next_s=None, why=why)
            write_delivery(folder, stopped)
            log_alert(workflow_id, stopped)


def mark_stopped(folder: Path, word: Stopped, why: str) -> None:
    """Keep how and why a case was stopped; one that was rejected stays so."""
    if is_rejected(folder):
        return
    write_json(folder / _FILE, {"word": word.value, "why": why, "at_s": time.time()})


def why_stopped(folder: Path) -> tuple[Stopped, str] | None:
    """Return how and why a case was stopped; None where it was not."""
    kept = read_json(folder / _FILE)
    return None if kept is None else (Stopped(kept["word"]), kept["why"])


def is_rejected(folder: Path) -> bool:
    """Whether a rejection note stopped a case."""
    stopped = why_stopped(folder)
    return stopped is not None and stopped[0] is Stopped.REJECTED


def go_on(folder: Path) -> None:
    """Forget that a case was stopped."""
    (folder / _FILE).unlink(missing_ok=True)
