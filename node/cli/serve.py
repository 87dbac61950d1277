"""`lungnode serve`, `receive` and `work`: the node's processes."""

from collections.abc import Sequence
from pathlib import Path

import typer
from pydantic import TypeAdapter, ValidationError

from node.settings import load
from node.settings_snapshot import handed_or_loaded, snapshot
from node.settings_values import Slot

app = typer.Typer(add_completion=False)

_CONFIG = typer.Option(None, "--config", help="The settings file; else LUNGNODE_CONFIG, else ./lungnode.toml.")


@app.command()
def serve(config: Path | None = _CONFIG) -> None:
    """Run receiver, worker and status page; a process that dies is started again.

    Example: LUNGNODE_CONFIG=/etc/lungnode/lungnode.toml lungnode serve
    """
    from node.engine.configuration import check_configuration  # noqa: PLC0415 - `receive` must start fast
    from node.engine.sole_node import sole_node  # noqa: PLC0415
    from node.engine.supervisor import Supervisor, node_commands  # noqa: PLC0415
    from node.engine.worker import stop_on_signals  # noqa: PLC0415
    from node.watch.server import status_page  # noqa: PLC0415

    settings = load(config)
    check_configuration(settings)
    supervisor = Supervisor(node_commands(), snapshot(settings))
    stop_on_signals(supervisor.stopping)
    with sole_node(settings), status_page(settings):
        status = supervisor.run()
    raise typer.Exit(status)


@app.command()
def receive(config: Path | None = _CONFIG) -> None:
    """Run the DICOM listener alone.

    Example: lungnode receive --config site.toml
    """
    from node.receive.process import run  # noqa: PLC0415 - only this process needs it

    settings = handed_or_loaded(config)

    def archive_holds(sop_uids: Sequence[str]) -> frozenset[str]:
        from node.archive.holds import held_by_archives  # noqa: PLC0415 - a request for commitment is rare

        return held_by_archives(settings, sop_uids)

    run(settings, archive_holds)


@app.command()
def work(
    config: Path | None = _CONFIG,
    slot: str | None = typer.Option(None, "--slot", help="The executor slot; each worker needs its own."),
) -> None:
    """Run one worker alone; several share the work where engine.database_url names a PostgreSQL.

    Example: lungnode work --slot worker-1
    """
    from node.engine.node_worker import run_worker  # noqa: PLC0415 - only this process needs it

    settings = handed_or_loaded(config)
    if slot is not None:
        settings = settings.model_copy(update={"engine": settings.engine.model_copy(update={"slot": _slot(slot)})})
    run_worker(settings)


def _slot(word: str) -> str:
    """Refuse what `engine.slot` refuses, too: a lock of the node's own, or what leads out of the folder of locks."""
    try:
        return TypeAdapter(Slot).validate_python(word)
    except ValidationError as error:
        why = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise typer.BadParameter(f"{word!r} is no slot: {why}", param_hint="--slot") from error
