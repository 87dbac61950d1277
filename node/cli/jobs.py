"""`lungnode jobs`: the durable state, with reasons, and what a person may do about it."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from node.cli.job_text import decision_line, job_lines, list_lines, waiting_line
from node.cli.terminal import answer, print_json
from node.deliver.receipt import State
from node.engine import jobs as engine_jobs
from node.engine.again import again
from node.engine.case_file import CaseFile, case_from_json, case_json
from node.engine.delivery_file import Stage
from node.engine.files import read_json
from node.engine.job_state import Job
from node.engine.jobs import Database
from node.engine.lookup import decision_json, is_uid, traces_of
from node.engine.pause import pause as pause_node
from node.engine.pause import paused_because
from node.engine.pause import resume as resume_node
from node.engine.steps import without_secrets
from node.engine.withdrawal import Withdrawal
from node.errors import WrongUsage
from node.settings import Settings, load

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="What was received, decided, made and delivered, with reasons."
)

_CONFIG = typer.Option(None, "--config", help="The settings file; else LUNGNODE_CONFIG, else ./lungnode.toml.")
_JSON = typer.Option(False, "--json", help="One JSON object on standard output.")
_JOB = typer.Argument(..., help="The job's id, or its beginning.")
_JOB_OR_UID = typer.Argument(..., help="The job's id or its beginning, or a Study or Series Instance UID.")


@app.command("list")
def list_jobs(
    state: str | None = typer.Option(None, "--state", help="Only jobs in this state, such as 'dead-letter'."),
    config: Path | None = _CONFIG,
    as_json: bool = _JSON,
) -> None:
    """List all cases and what is waited for.

    Example: lungnode jobs list --state dead-letter
    """
    settings = load(config)
    with engine_jobs.opened(settings) as engine:
        all_jobs, damaged = engine_jobs.jobs_and_damage(settings, engine)
    found = [j for j in all_jobs if state in (None, j.state)]
    waiting = (read_json(settings.data_dir / "engine" / "waiting.json") or []) if state in (None, "waiting") else []
    paused = paused_because(settings.data_dir)
    if as_json:
        listed = [j.as_json() for j in found]
        print_json({"jobs": listed, "waiting": waiting, "paused": paused, "damaged": list(damaged)})
        return
    for text in damaged:
        answer.print(text, markup=False)
    if paused is not None:
        answer.print(f"paused: {paused}", markup=False)
    for line in waiting:
        answer.print(waiting_line(line), markup=False)
    if not found:
        answer.print(
            f"no case{'' if state is None else f' is {state!r}'}; there are: {_by_state(all_jobs)}", markup=False
        )
    for row in list_lines(tuple(found)):
        answer.print(row, markup=False)


@app.command()
def show(job: str = _JOB_OR_UID, config: Path | None = _CONFIG, as_json: bool = _JSON) -> None:
    """Show everything about one case: reasons, steps, result, every answer of every destination.

    A Study or Series Instance UID shows all that is known of it: its cases, what is waited for, and why a series was
    not analysed.

    Example: lungnode jobs show 3fa9c1 --json
    """
    if is_uid(job):
        _show_uid(load(config), job, as_json=as_json)
        return
    with _opened(config, job) as (settings, engine, found):
        everything = engine_jobs.details(settings, engine, found)
    if as_json:
        print_json(everything)
        return
    for line in job_lines(found, everything):
        answer.print(line, markup=False)


@app.command()
def retry(
    job: str = _JOB,
    once_more: bool = typer.Option(
        False, "--again", help="A further run under new UIDs, of one that is done too; its objects supersede the last."
    ),
    config: Path | None = _CONFIG,
    as_json: bool = _JSON,
) -> None:
    """Do a failed or cancelled case again, or end the wait of a delivery that is to be tried again.

    With --again it is analysed once more by today's models and settings, whatever became of it.

    Example: lungnode jobs retry 3fa9c1 --again
    """
    with _opened(config, job) as (settings, engine, found):
        if once_more:
            begun = again(settings, engine, found, _identify(settings))
            _say({"job": begun.workflow_id, "did": "queued", "supersedes": begun.predecessor}, as_json=as_json)
            return
        _say({"job": found.case.workflow_id, "did": engine_jobs.retry(settings, engine, found)}, as_json=as_json)


@app.command()
def withdraw(
    job: str = _JOB,
    reason: Withdrawal = typer.Option(..., "--reason", help="Why the results are to be disregarded."),
    to: str | None = typer.Option(None, "--to", help="One destination; else all that have got anything of it."),
    config: Path | None = _CONFIG,
    as_json: bool = _JSON,
) -> None:
    """Take a case's results back: a rejection note about them goes out, and nothing of it is sent any more.

    Example: lungnode jobs withdraw 3fa9c1 --reason software-failure
    """
    from node.engine.withdraw import withdraw as take_back  # noqa: PLC0415 - the encoder loads late

    with _opened(config, job) as (settings, engine, found):
        receipts = take_back(settings, engine, found, reason, to)
        answers = {name: r.as_json() for name, r in receipts.items()}
        _say({"job": found.case.workflow_id, "did": "withdrawn", "destinations": answers}, as_json=as_json)
    if any(r.state is not State.STORED for r in receipts.values()):
        raise typer.Exit(4)


@app.command()
def replay(
    job: str | None = typer.Argument(None, help="The job's id, or its beginning; else --state."),
    state: str | None = typer.Option(
        None, "--state", help="Instead of one job all 'dead-letter', the only such state."
    ),
    to: str | None = typer.Option(None, "--to", help="One destination; else all that gave up."),
    config: Path | None = _CONFIG,
    as_json: bool = _JSON,
) -> None:
    """Deliver the kept objects again, the same bytes, where that was given up, held or cancelled.

    With --state dead-letter that is everything that was given up, of all jobs.

    Examples: lungnode jobs replay 3fa9c1 --to pacs; lungnode jobs replay --state dead-letter --to pacs
    """
    if (job is None) == (state is None) or state not in (None, Stage.DEAD):
        raise WrongUsage("USAGE", "replay takes a job, or --state dead-letter for all that were given up")
    if job is None:
        settings = load(config)
        with engine_jobs.opened(settings) as engine:
            done = engine_jobs.replay_dead_letters(settings, engine, to)
        everything = {workflow_id: list(names) for workflow_id, names in done.items()}
        _say({"replayed": everything} if as_json else {"replayed": f"{len(done)} jobs"}, as_json=as_json)
        return
    with _opened(config, job) as (settings, engine, found):
        names = engine_jobs.replay(settings, engine, found, to)
        _say({"job": found.case.workflow_id, "replayed": list(names)}, as_json=as_json)


@app.command()
def cancel(job: str = _JOB, config: Path | None = _CONFIG, as_json: bool = _JSON) -> None:
    """Stop a case and its deliveries; what a destination has already is not taken back.

    Example: lungnode jobs cancel 3fa9c1
    """
    with _opened(config, job) as (settings, engine, found):
        engine_jobs.cancel(settings, engine, found)
        _say({"job": found.case.workflow_id, "did": "cancelled"}, as_json=as_json)


@app.command()
def pause(
    why: str = typer.Argument("paused by hand", help="Shown wherever the node is looked at."),
    config: Path | None = _CONFIG,
    as_json: bool = _JSON,
) -> None:
    """Begin nothing new: what runs is finished, what arrives is kept.

    Example: lungnode jobs pause "the PACS is being upgraded"
    """
    settings = load(config)
    engine_jobs.refuse_absent(settings)
    pause_node(settings.data_dir, why)
    _say({"paused": why}, as_json=as_json)


@app.command()
def resume(config: Path | None = _CONFIG, as_json: bool = _JSON) -> None:
    """Go on after a pause.

    Example: lungnode jobs resume
    """
    settings = load(config)
    engine_jobs.refuse_absent(settings)
    resume_node(settings.data_dir)
    _say({"paused": None if as_json else "no"}, as_json=as_json)


def _by_state(found: tuple[Job, ...]) -> str:
    """Count the cases in each state; a misspelt --state must not look like an empty one."""
    counted = Counter(one.state for one in found)
    return ", ".join(f"{n} {state}" for state, n in sorted(counted.items())) or "none"


@contextmanager
def _opened(config: Path | None, job: str) -> Iterator[tuple[Settings, Database, Job]]:
    settings = load(config)
    with engine_jobs.opened(settings) as engine:
        yield settings, engine, engine_jobs.job(settings, engine, job)


def _identify(settings: Settings) -> Callable[[CaseFile], CaseFile]:
    def identify(draft: CaseFile) -> CaseFile:
        from node.engine import heavy  # noqa: PLC0415 - models load late

        return case_from_json(heavy.identify(without_secrets(settings), case_json(draft)))

    return identify


def _show_uid(settings: Settings, uid: str, *, as_json: bool) -> None:
    """Print what is known of a study or series."""
    with engine_jobs.opened(settings) as engine:
        traces = traces_of(settings, engine, uid)
    if as_json:
        print_json(traces.as_json())
        return
    for line in traces.waiting:
        answer.print(waiting_line(line), markup=False)
        answer.print(f"  study {line['study_instance_uid']}, route {line['route']}", markup=False)
    for row in list_lines(traces.jobs):
        answer.print(row, markup=False)
    for decision in traces.decisions:
        answer.print(decision_line(decision_json(decision)), markup=False)


def _say(what: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(what)
    else:
        answer.print(", ".join(f"{key}: {value}" for key, value in what.items()), markup=False)
