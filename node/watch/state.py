"""The node's state at one moment, as the page, the metrics and the health check show it."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from node.engine.alerts import alert_of, long_waits, no_destination
from node.engine.certificates import expiring
from node.engine.database import DATABASE_ERRORS, UNREACHABLE
from node.engine.files import read_json
from node.engine.job_book import JobBook
from node.engine.job_state import DAMAGED, FAILED, LOST, Job
from node.engine.jobs import jobs_and_damage, opened
from node.engine.pause import Pause, current_pause
from node.engine.stopped import Stopped
from node.engine.worker import slot_lock
from node.errors import Code, LungnodeError
from node.settings import Settings
from node.store.database import all_set_aside
from node.store.disk import Room, free_bytes, marks, refusal, room_left
from node.store.heartbeat import (
    INTAKE_SILENT_AFTER_S,
    WORKER_SILENT_AFTER_S,
    heartbeat_file,
    intake_heartbeat_file,
    is_silent,
    worker_heartbeat_file,
)
from node.store.layout import Layout
from node.store.quarantine import quarantined

_PAUSED_FOR_LONG = timedelta(hours=4)  # longer than an upgrade of the PACS takes: somebody forgot it
_STOPPED = (Stopped.CANCELLED, Stopped.SUPERSEDED, Stopped.REJECTED)


@dataclass(frozen=True, slots=True)
class NodeState:
    """What is going on. `trouble` lists in plain words what keeps the node from working."""

    jobs: tuple[Job, ...]
    waiting: tuple[dict[str, Any], ...]  # cases that are not complete, with their reasons
    paused: str | None
    free_bytes: int
    room: Room
    trouble: tuple[str, ...]
    warnings: tuple[str, ...] = ()  # what a person must see to, while the node still works
    receiver_up: bool = True
    worker_up: bool = True
    n_quarantined: int = 0  # SOP Instance UIDs under which something else arrived too


def node_state(settings: Settings, book: JobBook | None = None) -> NodeState:
    """Look at everything; `book` keeps what was read of finished cases from one look to the next.

    Raises
    ------
    NotYetThere
        ENV-DATA where the data folder is away: then nothing is known.
    """
    Layout(settings.data_dir).must_be_there()
    free = free_bytes(settings.data_dir)
    room = room_left(free, marks(settings.disk.soft_free_gib, settings.disk.hard_free_gib))
    found, trouble = _jobs(settings, book)
    trouble += _trouble(room)
    trouble += _unwritable(settings.data_dir)
    worker = _worker_trouble(settings, time.time())
    trouble += worker
    receiver_up = _receiver_accepts(settings)
    if not receiver_up:
        trouble.append(
            "the receiver accepts no connections: it has ended or hangs; next: see the log, start the node again"
        )
    trouble += [text for one in found for text in _needs_a_person(one)]
    twice = quarantined(Layout(settings.data_dir))
    trouble += _arrived_twice(twice, found)
    waiting = read_json(settings.data_dir / "engine" / "waiting.json") or []
    now = datetime.now(UTC)
    paused = current_pause(settings.data_dir)
    why = None if paused is None else paused.text
    trouble += _forgotten(paused, now)
    certificates = expiring(settings, now)
    trouble += [one.text for one in certificates if one.has_expired]
    warnings = tuple(one.text for one in certificates if not one.has_expired)
    nobody = no_destination(settings)
    warnings += () if nobody is None else (nobody,)
    warnings += tuple(
        f"IDX-DAMAGED: the index was damaged and was made anew; next: see the disk, then remove {file}"
        for file in all_set_aside(Layout(settings.data_dir).index)
    )
    warnings += long_waits((d for one in found if one.state not in _STOPPED for d in one.deliveries), time.time())
    return NodeState(
        found, tuple(waiting), why, free, room, tuple(trouble), warnings, receiver_up, not worker, len(twice)
    )


def _jobs(settings: Settings, book: JobBook | None) -> tuple[tuple[Job, ...], list[str]]:
    try:
        with opened(settings) as engine:
            found, damaged = jobs_and_damage(settings, engine, book)
            return found, [f"{text}; until then retention removes nothing" for text in damaged]
    except LungnodeError as error:
        return (), [f"{error.code}: {error.message}"]
    except DATABASE_ERRORS as error:
        return (), [f"{UNREACHABLE}: the engine's database does not answer: {type(error).__name__}"]


def _needs_a_person(one: Job) -> list[str]:
    """Say what of a case waits for a person; nothing of one that was cancelled or rejected, or that has a newer run."""
    if one.state in _STOPPED or (one.state == Stopped.HELD and one.superseded_by is not None):
        return []
    short = one.case.workflow_id[:12]
    alerts = [alert_of(one.case.workflow_id, d) for d in one.deliveries]
    said = [f"job {short}: {alert.text}" for alert in alerts if alert is not None]
    if one.state == FAILED:
        next_step = f"lungnode jobs show {short}, then lungnode jobs retry {short} or cancel"
        said = [f"job {short}: failed: {one.why}; next: {next_step}"]
    if one.state == DAMAGED:
        said = [f"job {short}: {one.why}"]
    if one.state == LOST:
        said = [f"job {short}: {one.why}; next: lungnode jobs retry {short}"]
    if one.state == Stopped.HELD and not said:
        go_on = f"lungnode jobs {'replay' if one.deliveries else 'retry'} {short}"
        said = [
            f"job {short}: {one.why}; next: where the correction is right, see that the whole study came again: its "
            f"new run takes the place of this one; where it is not, {go_on}"
        ]
    return said


def _arrived_twice(twice: frozenset[str], found: tuple[Job, ...]) -> list[str]:
    if not twice:
        return []
    concerned = [one.case.workflow_id[:12] for one in found if one.arrived_twice]
    return [
        f"{Code.ID_DUPDIFF}: {len(twice)} instances arrived again with other pixels or geometry under the same UID; "
        f"jobs that use them: {', '.join(concerned) or 'none'}; next: ask the source which is right, then send the "
        "study under new UIDs or remove the file from spool/quarantine"
    ]


def _forgotten(paused: Pause | None, now: datetime) -> list[str]:
    """Say that a pause lasts longer than anybody means one to, or that nobody knows why it holds."""
    if paused is None or (paused.since is not None and now - paused.since < _PAUSED_FOR_LONG):
        return []
    return [f"the node is paused and begins nothing: {paused.text}; next: lungnode jobs resume"]


def _trouble(room: Room) -> list[str]:
    trouble = []
    if room is Room.NONE:
        trouble.append("the disk is below its hard mark: nothing is received")
    elif room is Room.LITTLE:
        trouble.append("the disk is below its soft mark: no new work is begun")
    return trouble


def _unwritable(data_dir: Path) -> list[str]:
    """Say that nothing can be kept, whatever room there seems to be."""
    why = refusal(data_dir)
    if why is None:
        return []
    return [
        f"{data_dir} cannot be written ({why}): nothing is received or made; next: see the disk, its quota, mount and "
        "rights (dmesg); where it was read-only, then start the node again"
    ]


def _worker_trouble(settings: Settings, now_s: float) -> list[str]:
    """Say that no worker lives, or that it or the intake hangs: what hangs keeps its lock."""
    slot = settings.engine.slot
    if not _worker_lives(settings):
        return [f"no worker runs in slot {slot!r}"]
    next_step = "it hangs or waits for a disk; next: see the log, start the node again"
    worker, intake = worker_heartbeat_file(settings.data_dir, slot), intake_heartbeat_file(settings.data_dir)
    if worker.exists() and is_silent(worker, now_s, WORKER_SILENT_AFTER_S):
        return [f"the worker in slot {slot!r} stands still: {next_step}"]
    if intake.exists() and is_silent(intake, now_s, INTAKE_SILENT_AFTER_S):
        return [f"the intake, which turns arrivals into cases, stands still: {next_step}"]
    return []


def _receiver_accepts(settings: Settings) -> bool:
    """Whether each port of each receiver process gave a sign of life a moment ago."""
    ports = (False,) if settings.receive.tls_port is None else (False, True)
    files = [heartbeat_file(settings.data_dir, n, tls=tls) for n in range(settings.receive.processes) for tls in ports]
    return not any(is_silent(file, time.time()) for file in files)


def _worker_lives(settings: Settings) -> bool:
    """A worker holds its slot's lock while it lives."""
    try:
        lock = slot_lock(settings, settings.engine.slot)
    except (OSError, *DATABASE_ERRORS):
        return False
    if lock is None:
        return True
    lock.release()
    return False
