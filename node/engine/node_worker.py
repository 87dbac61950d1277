"""The worker of a node: the durable steps, intake and retention, wired to the settings."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from dbos import DBOSClient

from node.archive.endpoint import endpoint_of_archive
from node.engine import outside
from node.engine.alerts import UNDELIVERABLE, no_destination
from node.engine.case_file import CaseFile, case_from_json, case_json
from node.engine.certificates import certificates_loop
from node.engine.correction_search import search_loop
from node.engine.counts import AskedArchive, Counts
from node.engine.crew import Crew
from node.engine.data_wait import wait_where_away
from node.engine.database import database_ready
from node.engine.full_disk import FULL, MAY_BE_FULL, code_of, is_full, tells_full_disk
from node.engine.intake import Intake
from node.engine.known import known_of
from node.engine.pace import Pace
from node.engine.prior import seek_prior
from node.engine.queueing import forget_ended
from node.engine.retention import sweep
from node.engine.runtime import client
from node.engine.steps import Steps, without_secrets
from node.engine.stores import Stores, opened_stores
from node.engine.study_back import studies_loop
from node.engine.worker import Worker, end_process, slot_when_free, start_worker, stop_on_signals
from node.errors import Misconfigured, NotYetThere
from node.route.case import Known
from node.route.completeness import Action, Limits
from node.route.rules import load_routes
from node.segment.registry import installed
from node.settings import Settings
from node.settings_values import INTAKE_SLOT, RETENTION_SLOT
from node.store.database import damage_of, set_aside, tells_damage
from node.store.disk import Room, free_bytes, marks, refusal, room_left
from node.store.heartbeat import Heartbeat, intake_heartbeat_file
from node.store.identity import identity
from node.store.index import StudyArrival
from node.store.layout import Layout

_IDENTIFY_WITHIN_S = 600.0
_SWEEP_EVERY_S = 60.0
_LOOK_EVERY_S = 5.0  # for the data folder
_FULL_WAIT_S = 30.0  # until a disk that took nothing is tried again
_START_AGAIN = 4  # the exit status of "the world is at fault, try again"


def run_worker(settings: Settings) -> None:
    """Work until told to stop, then end the process.

    Raises
    ------
    Misconfigured
        ENG-SLOT, CFG-ROUTES, SYS-MODEL: a person must act.
    NotYetThere
        CFG-DATABASE: the database does not answer yet. ENG-DAMAGED: its file is damaged. SYS-DISK: the disk is full.
        ENV-DATA: the data folder is away.
    """
    load_routes(settings.rules.routes)
    installed(settings.models_dir)
    Layout(settings.data_dir).create()
    stopping = threading.Event()
    stop_on_signals(stopping)
    if not database_ready(settings, stopping):
        return
    try:
        worker = _started(settings)
    except MAY_BE_FULL as error:
        if not is_full(error):
            raise
        _sweep(settings)  # what makes room must not wait for the room that it makes
        text = f"the disk of {settings.data_dir} takes nothing ({type(error).__name__}); free it, or give it more room"
        raise NotYetThere(FULL, text) from error
    _run(worker)


def _started(settings: Settings) -> Worker:
    return start_worker(
        settings,
        lambda crew: Steps(
            settings,
            crew,
            outside.ways(settings),
            identity_differs=partial(outside.identity_differs, settings),
            enough_disk=lambda: _room(settings) is Room.ENOUGH,
            seek_prior=partial(seek_prior, settings),
            disk_refuses=lambda: refusal(settings.data_dir) is not None,
        ),
        loops=lambda steps: (
            partial(intake_loop, settings, steps.crew),
            partial(retention_loop, settings),
            partial(data_loop, settings),
            partial(certificates_loop, settings),
            partial(search_loop, settings),
            partial(studies_loop, settings),
        ),
    )


def _run(worker: Worker) -> None:
    nobody = no_destination(worker.settings)
    if nobody is not None:
        structlog.get_logger().warning("engine.no_destination", code=UNDELIVERABLE, why=nobody)
    stop_on_signals(worker.steps.stopping)
    told_to_stop = worker.run()
    structlog.get_logger().info("engine.stopped", slot=worker.settings.engine.slot)
    worker.steps.stopping.set()
    worker.steps.crew.close()
    if not told_to_stop:
        wait_where_away(worker.settings.data_dir)
    end_process(0 if told_to_stop else _START_AGAIN)


def intake_loop(settings: Settings, crew: Crew, stopping: threading.Event) -> None:
    """Turn arrivals into cases; one worker of all does, and another takes over where it ends."""
    lock = slot_when_free(settings, INTAKE_SLOT, stopping)
    if lock is None:
        return
    try:
        while not stopping.is_set():
            try:
                _take_in(settings, crew, stopping)
            except MAY_BE_FULL as error:
                if tells_damage(error) and _mend_index(settings):
                    continue
                if not tells_full_disk("engine.intake_waits", error):
                    raise
                stopping.wait(_FULL_WAIT_S)
    finally:
        lock.release()


def _mend_index(settings: Settings) -> bool:
    """Move an index that is damaged out of the way, and tell whether it was: a cache, made anew from the files."""
    index = Layout(settings.data_dir).index
    damage = damage_of(index) if settings.engine.database_url is None else None
    if damage is None:
        return False
    aside = set_aside(index)
    todo = f"it is made anew from the files; see the disk, then remove {aside.name}"
    structlog.get_logger().error("index.damaged", code="IDX-DAMAGED", why=damage, next_step=todo)
    return True


def _take_in(settings: Settings, crew: Crew, stopping: threading.Event) -> None:
    """Take in what arrives until told to stop; the files are the truth, so that it may be begun again at any time."""
    _mend_index(settings)
    heartbeat = Heartbeat(intake_heartbeat_file(settings.data_dir))
    heartbeat.beat()
    with _intake(settings, crew, heartbeat) as intake:
        intake.begin()
        while not stopping.is_set():
            heartbeat.beat()
            intake.tick()
            intake.pace.rest()
            stopping.wait(settings.engine.poll_s)


def retention_loop(settings: Settings, stopping: threading.Event) -> None:
    """Remove what is safe and old enough, in one worker of all; a database or a disk that is lost only delays it."""
    lock = slot_when_free(settings, RETENTION_SLOT, stopping)
    if lock is None:
        return
    try:
        while not stopping.wait(_SWEEP_EVERY_S):
            _sweep(settings)
    finally:
        lock.release()


def data_loop(settings: Settings, stopping: threading.Event) -> None:
    """End, and the worker with it, once the data folder is away: what is open here is the former one's."""
    number = identity(settings.data_dir)
    while not stopping.wait(_LOOK_EVERY_S):
        try:
            Layout(settings.data_dir).must_be_there(number)
        except NotYetThere as error:
            structlog.get_logger().error("engine.data_away", code=error.code, next_step=error.message)
            return


def _sweep(settings: Settings) -> None:
    older_than_s = settings.disk.retention_days * 86400.0
    try:
        with opened_stores(settings) as stores, _forgetting(settings) as forget:
            sweep(settings.data_dir, stores, older_than_s=older_than_s, now_s=time.time(), forget=forget)
    except MAY_BE_FULL as error:
        structlog.get_logger().error("engine.retention_waits", code=code_of(error), error=type(error).__name__)
    except (Misconfigured, NotYetThere) as error:  # a damaged file; the data folder is away
        structlog.get_logger().error("engine.retention_waits", code=error.code, next_step=error.message)


@contextmanager
def _forgetting(settings: Settings) -> Iterator[Callable[[str], None]]:
    """Let the engine forget cases by their workflow ids; its database is opened once, where there is one to forget."""
    opened: list[DBOSClient] = []

    def forget(workflow_id: str) -> None:
        if not opened:
            opened.append(client(settings))
        forget_ended(opened[0], workflow_id)

    try:
        yield forget
    finally:
        for engine in opened:
            engine.destroy()


@contextmanager
def _intake(settings: Settings, crew: Crew, heartbeat: Heartbeat) -> Iterator[Intake]:
    engine = client(settings)
    counts = Counts(_archives(settings))
    try:
        with opened_stores(settings) as stores:
            stores.own.rebuild_where_lost()
            yield Intake(
                settings.data_dir,
                engine,
                stores.layout,
                stores.index,
                stores.ledger,
                load_routes(settings.rules.routes),
                _limits(settings),
                known=partial(_known, settings, stores),
                identify=partial(_identify, settings, crew),
                counts=counts,
                warm=crew.warm,
                pace=Pace(engine, settings.engine.poll_s),
                judge=partial(_judge, settings, crew),
                beat=heartbeat.beat,
            )
    finally:
        counts.close()
        engine.destroy()


def _identify(settings: Settings, crew: Crew, draft: CaseFile) -> CaseFile:
    arguments = {"settings": without_secrets(settings), "draft": case_json(draft)}
    return case_from_json(crew.call("identify", arguments, limit_s=_IDENTIFY_WITHIN_S, cancelled=lambda: False))


def _judge(settings: Settings, crew: Crew, path: Path) -> dict[str, Any]:
    arguments = {"settings": without_secrets(settings), "path": str(path)}
    judged: dict[str, Any] = crew.call("correction", arguments, limit_s=_IDENTIFY_WITHIN_S, cancelled=lambda: False)
    return judged


def _known(settings: Settings, stores: Stores, arrival: StudyArrival) -> Known:
    return replace(
        known_of(settings),
        called_ae=arrival.called_ae or None,
        calling_ae=arrival.calling_ae or None,
        own_uids=stores.own,
    )


def _archives(settings: Settings) -> tuple[AskedArchive, ...]:
    calling = settings.receive.ae_title
    endpoints = [(a, endpoint_of_archive(a, calling)) for a in settings.archives]
    return tuple(AskedArchive(a.name, e, a.source_ae_titles) for a, e in endpoints if e is not None)


def _limits(settings: Settings) -> Limits:
    patience = settings.completeness
    return Limits(
        quiet_s=patience.quiet_s,
        quiet_after_abort_s=patience.quiet_after_abort_s,
        maximum_wait_s=patience.maximum_wait_s,
        partner_wait_s=patience.partner_wait_s,
        at_maximum=Action(patience.at_maximum),
    )


def _room(settings: Settings) -> Room:
    return room_left(free_bytes(settings.data_dir), marks(settings.disk.soft_free_gib, settings.disk.hard_free_gib))
