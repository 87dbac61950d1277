"""What a person asks of the durable state: which cases there are, how each stands, and retry, replay, cancel."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from dbos import DBOSClient

from node.deliver.receipt import State
from node.engine.case_catalogue import CaseCatalogue
from node.engine.case_file import CaseFile, case_json, read_case_file, result_folder
from node.engine.database import DATABASE_ERRORS, check_database, damaged
from node.engine.delivery_file import Delivery, Stage, delivery_path, read_delivery, write_delivery
from node.engine.files import read_json
from node.engine.job_book import JobBook
from node.engine.job_state import LOST, Job, clock, job_of
from node.engine.queueing import deliver_anew, enqueue_anew, unfinished_deliveries
from node.engine.runtime import client, exists
from node.engine.steps import SAFE_FILE
from node.engine.stopped import Stopped, go_on, stop
from node.engine.version import STEPS_VERSION
from node.engine.workflows import CASES, WAKE
from node.errors import InputRefused, Misconfigured
from node.settings import Settings
from node.store.database import tells_damage
from node.store.layout import Layout
from node.store.quarantine import quarantined

Database = DBOSClient  # the engine's, opened by `opened`


@contextmanager
def opened(settings: Settings) -> Iterator[DBOSClient]:
    """Open the engine's database for the time of a command.

    Raises
    ------
    Misconfigured
        ENG-ABSENT where no worker has ever run here.
    NotYetThere
        CFG-DATABASE where PostgreSQL does not answer, ENG-DAMAGED where SQLite's file is damaged.
    """
    refuse_absent(settings)
    check_database(settings)
    try:
        engine = client(settings)
        try:
            yield engine
        finally:
            engine.destroy()
    except (sqlite3.Error, *DATABASE_ERRORS) as error:
        if tells_damage(error):
            raise damaged(settings, type(error).__name__) from error
        raise


def refuse_absent(settings: Settings) -> None:
    """Refuse a data folder that no node has worked on: a word left there would be heard by nobody.

    Raises
    ------
    Misconfigured
        ENG-ABSENT where no worker has ever run here.
    """
    if not exists(settings):
        raise Misconfigured("ENG-ABSENT", _absent(settings.data_dir, settings.read_from))


def jobs(settings: Settings, engine: DBOSClient) -> tuple[Job, ...]:
    """Return all cases, newest first; one whose case file is damaged is passed over."""
    return jobs_and_damage(settings, engine)[0]


def jobs_and_damage(
    settings: Settings, engine: DBOSClient, book: JobBook | None = None
) -> tuple[tuple[Job, ...], tuple[str, ...]]:
    """Return all cases, newest first, and what is to be said of those whose case file is damaged.

    Parameters
    ----------
    book : what was read before, for who asks again and again.
    """
    book = book or JobBook(CaseCatalogue(settings.data_dir))
    with book.lock:
        statuses = {s.workflow_id: s for s in engine.list_workflows(name="case", load_input=False)}
        found = book.jobs(statuses, quarantined(Layout(settings.data_dir)))
        newer = _newer_runs(tuple(one.case for one in found))
        told = [replace(one, superseded_by=newer.get(one.case.workflow_id)) for one in found]
        return tuple(sorted(told, key=lambda j: -j.case.created_s)), tuple(book.cases.damaged.values())


def job(settings: Settings, engine: DBOSClient, workflow_id: str) -> Job:
    """Return one case; the beginning of an id is enough where it is unambiguous.

    Raises
    ------
    Misconfigured
        JOB-UNKNOWN where there is none, or more than one. ENG-FILE where its case file is damaged.
    """
    full = _full_id(settings.data_dir, workflow_id)
    status = next(iter(engine.list_workflows(workflow_ids=[full], load_input=False)), None)
    case = read_case_file(settings.data_dir, full)
    if case is None:
        raise Misconfigured("JOB-UNKNOWN", f"there is no job {workflow_id!r}")
    found = job_of(settings.data_dir, case, status, quarantined(Layout(settings.data_dir)))
    return replace(found, superseded_by=_newer_runs(CaseCatalogue(settings.data_dir).all()).get(full))


def details(settings: Settings, engine: DBOSClient, found: Job) -> dict[str, Any]:
    """Return everything about a case: steps, result, receipts, with reasons. No patient data."""
    folder = result_folder(settings.data_dir, found.case.workflow_id)
    steps = engine.list_workflow_steps(found.case.workflow_id)
    ended_ms = [s["completed_at_epoch_ms"] for s in steps]
    has_ended = found.state not in ("working", "queued") and all(ended_ms)
    return found.as_json() | {
        "begun": _clock_ms(steps[0]["started_at_epoch_ms"] if steps else None),
        "ended": _clock_ms(max((ms for ms in ended_ms if ms), default=None) if has_ended else None),
        "case": case_json(found.case),
        "result": read_json(folder / "result.json"),
        "steps": [_step_json(s) for s in steps],
        "deliveries": [read_json(delivery_path(folder, d.destination)) for d in found.deliveries],
        "safe": (folder / SAFE_FILE).exists(),
    }


def retry(settings: Settings, engine: DBOSClient, found: Job) -> str:
    """Do again what failed or was cancelled, or end the wait of what is to be tried again; say what was done.

    Raises
    ------
    InputRefused
        JOB-NOTHING where there is nothing to be done, JOB-REJECTED where a rejection note stopped it.
    """
    case = found.case
    _refuse_rejected(found)
    folder = result_folder(settings.data_dir, case.workflow_id)
    status = _status(engine, case.workflow_id)
    if status == "ABSENT":
        go_on(folder)
        enqueue_anew(engine, case)
        return "queued"
    if found.state == LOST:
        enqueue_anew(engine, case)
        return "queued again"
    if status in ("ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"):
        go_on(folder)
        engine.rewind_workflow(case.workflow_id, application_version=STEPS_VERSION, queue_name=CASES)
        return "queued again"
    waiting = [d for d in found.deliveries if d.stage is Stage.WAITING]
    for delivery in waiting:
        alive = unfinished_deliveries(engine, case.workflow_id, delivery.destination)
        for wid in alive:
            engine.send(wid, "now", topic=WAKE)
        if not alive:  # its workflow ended in an error: nobody else would ever try it
            deliver_anew(engine, case.workflow_id, delivery.destination)
    if not waiting:
        replay_it = "; `lungnode jobs replay` delivers again" if found.state in (Stage.DEAD, Stage.HELD) else ""
        raise InputRefused("JOB-NOTHING", f"nothing to retry: the job is {found.state!r}{replay_it}")
    return f"{len(waiting)} waiting deliveries are tried now"


def replay(settings: Settings, engine: DBOSClient, found: Job, destination: str | None) -> tuple[str, ...]:
    """Deliver the kept objects again where that was given up, held or cancelled; return the destinations.

    Raises
    ------
    InputRefused
        JOB-REJECTED where a rejection note stopped it; JOB-NOTHING where no delivery stands like that.
    """
    _refuse_rejected(found)
    ended = (Stage.DEAD, Stage.HELD, Stage.CANCELLED)
    if not any(d.stage in ended for d in found.deliveries if destination in (None, d.destination)):
        whither = "" if destination is None else f" to {destination!r}"
        raise InputRefused(
            "JOB-NOTHING",
            f"nothing to replay: the job is {found.state!r}, and no delivery{whither} was given up or held",
        )
    go_on(result_folder(settings.data_dir, found.case.workflow_id))
    return _replayed(settings, engine, found, destination, ended)


def replay_dead_letters(settings: Settings, engine: DBOSClient, destination: str | None) -> dict[str, tuple[str, ...]]:
    """Deliver again everything that was given up; return the destinations of each case, by workflow id.

    What a person stopped or must look at first (a held identity, a cancelled or superseded case) stays as it is.

    Raises
    ------
    Misconfigured
        CLI-DESTINATION where nothing was given up for a destination, and none has that name: it is probably misspelt.
    """
    dead = [j for j in jobs(settings, engine) if j.state == Stage.DEAD]
    done = {j.case.workflow_id: _replayed(settings, engine, j, destination, (Stage.DEAD,)) for j in dead}
    replayed = {workflow_id: names for workflow_id, names in done.items() if names}
    known = [d.name for d in settings.destinations]
    if not replayed and destination is not None and destination not in known:
        there_are = ", ".join(known) or "none"
        raise Misconfigured("CLI-DESTINATION", f"there is no destination {destination!r}; there are: {there_are}")
    return replayed


def _replayed(
    settings: Settings, engine: DBOSClient, found: Job, destination: str | None, stages: tuple[Stage, ...]
) -> tuple[str, ...]:
    """Begin the deliveries again that are in one of these stages."""
    folder = result_folder(settings.data_dir, found.case.workflow_id)
    names = [d.destination for d in found.deliveries if destination in (None, d.destination)]
    again = [n for n in names if read_delivery(folder, n).stage in stages]
    for name in again:
        write_delivery(folder, _begun_again(read_delivery(folder, name)))
        deliver_anew(engine, found.case.workflow_id, name)
    return tuple(again)


def cancel(settings: Settings, engine: DBOSClient, found: Job) -> None:
    """Stop a case and its deliveries; what a destination has already is not taken back.

    Raises
    ------
    InputRefused
        JOB-DONE where it has come to its end.
    """
    if found.state == "done":
        raise InputRefused("JOB-DONE", "already delivered; nothing to cancel")
    if found.state in (Stopped.CANCELLED, Stopped.SUPERSEDED, Stopped.REJECTED):
        raise InputRefused("JOB-DONE", f"already {found.state}; nothing to cancel")
    stop(settings.data_dir, engine, found.case.workflow_id, Stopped.CANCELLED, "cancelled by hand")


def _absent(data_dir: Path, read_from: Path | None) -> str:
    """Say which folder was looked in, and whether a forgotten settings file may be why it is that one."""
    if read_from is None:
        return (
            f"no settings file was read, so the default data folder {data_dir} was looked in, where no worker has run "
            "yet: name the node's settings with `--config FILE` or LUNGNODE_CONFIG=FILE"
        )
    return f"no worker has run on {data_dir} yet, the data folder of {read_from}: start `lungnode serve` first"


def _refuse_rejected(found: Job) -> None:
    if found.state == Stopped.REJECTED:
        raise InputRefused("JOB-REJECTED", f"{found.why}; nothing derived from it is made or sent again")


def _begun_again(before: Delivery) -> Delivery:
    """Forget what was refused, keep what was found at the destination."""
    receipts = {uid: r for uid, r in before.receipts.items() if r.state is not State.PERMANENT}
    return replace(
        before, stage=Stage.WAITING, attempts=0, receipts=receipts, n_stored={}, next_s=None, why="replayed by hand"
    )


def _status(engine: DBOSClient, workflow_id: str) -> str:
    found = engine.list_workflows(workflow_ids=[workflow_id], load_input=False, load_output=False)
    return found[0].status if found else "ABSENT"


def _full_id(data_dir: Path, workflow_id: str) -> str:
    if not workflow_id.isalnum():
        raise Misconfigured("JOB-UNKNOWN", f"{workflow_id!r} is not the id of a job; `lungnode jobs list` has them")
    found = [f.parent.name for f in (data_dir / "results").glob(f"{workflow_id}*/case.json")]
    if len(found) != 1:
        how_many = "no job" if not found else f"{len(found)} jobs"
        raise Misconfigured("JOB-UNKNOWN", f"{how_many} with an id that begins with {workflow_id!r}")
    return found[0]


def _step_json(step: Any) -> dict[str, Any]:
    begun_ms, ended_ms = step["started_at_epoch_ms"], step["completed_at_epoch_ms"]
    return {
        "step": step["function_name"],
        "error": getattr(step["error"], "code", None),
        "begun": _clock_ms(begun_ms),
        "duration_s": (ended_ms - begun_ms) / 1000.0 if begun_ms and ended_ms else None,
    }


def _newer_runs(cases: tuple[CaseFile, ...]) -> dict[str, str]:
    """Return the run that supersedes each one that is superseded, by workflow id."""
    return {c.predecessor: c.workflow_id for c in cases if c.predecessor}


def _clock_ms(at_ms: int | None) -> str | None:
    return None if at_ms is None else clock(at_ms / 1000.0)
