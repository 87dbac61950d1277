"""The command `lungnode`: one lazy group, so that `lungnode receive` starts without loading a network library."""

import importlib
import logging
import os
import sys
import uuid
from typing import Any

import structlog
import typer
from typer._click.exceptions import ClickException  # the base of all errors in usage has no public name
from typer.core import TyperGroup

from node import __version__
from node.cli.library_log import tell_of_libraries
from node.cli.terminal import print_error, print_json
from node.errors import LungnodeError, Misconfigured, OurMistake, WorldUnavailable, WrongUsage
from node.log_frames import without_message

# command -> (module, name inside its app or "" for the whole app, line for --help)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("demo", "", "Orthanc, plugin and node on this machine; sends a study and shows the result"),
    "serve": ("serve", "serve", "receiver, worker and status page under one supervisor"),
    "receive": ("serve", "receive", "the DICOM listener alone"),
    "work": ("serve", "work", "one worker alone"),
    "analyse": ("analyse", "", "a folder of DICOM in, SEG, SR and result.json out; no server"),
    "send": ("send", "", "C-STORE files to an application entity"),
    "jobs": ("jobs", "", "what was received, decided, made and delivered, with reasons"),
    "corrections": ("corrections", "", "segmentations that readers saved: compared with ours, measured by order"),
    "routes": ("routes", "", "check the rules, explain a decision"),
    "models": ("models", "", "installed models, their cards and digests"),
    "train": ("train", "", "train one of the networks"),
    "train-lesions": ("train_lesions", "", "train one of the tumour networks"),
    "train-classifier": ("train_classifier", "", "train P3's classifier heads, which are off by default"),
    "judge-lesions": ("judge_lesions", "", "judge trainings of tumour networks on a labelled set"),
    "judge-scans": ("judge_scans", "", "judge lesion models on whole scans: found, known, false, FROC, pictures"),
    "calibrate-lesions": ("calibrate_lesions", "", "fit a lesion model's confidence on candidates"),
    "mine-negatives": ("mine_negatives", "", "what a model marks wrongly on training scans, as a labelled set"),
    "evaluate": ("evaluate", "", "judge models of lungs and of lesions on a labelled set"),
    "data": ("data", "", "turn public data sets into the format of ours"),
    "bench": ("bench", "", "ratios against DCMTK, Orthanc, SimpleITK and highdicom in one run"),
    "phantom": ("phantom", "", "write a synthetic thorax as DICOM, truth beside it"),
    "doctor": ("doctor", "", "test the installation and say what to do"),
    "conformance": ("conformance", "", "print the DICOM conformance statement of this configuration"),
}


class _LazyGroup(TyperGroup):
    """Imports a command's module when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is the library's
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, inner, short_help = COMMANDS[cmd_name]
        if _only_lists_commands():
            placeholder = typer.main.get_command(_placeholder(short_help))
            placeholder.name = cmd_name
            return placeholder
        command = typer.main.get_command(importlib.import_module(f"node.cli.{module}").app)
        if inner and isinstance(command, TyperGroup):
            command = command.commands[inner]
        command.name = cmd_name
        return command

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run; a mistake in usage is shown to a person by the library, and raised where a program wants JSON."""
        if not _wants_json():
            return super().main(*args, **kwargs)
        try:
            status = super().main(*args, **kwargs | {"standalone_mode": False})
        except ClickException as error:
            raise WrongUsage("USAGE", error.format_message()) from error
        raise SystemExit(status if isinstance(status, int) else 0)


app = typer.Typer(cls=_LazyGroup, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def main(
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Log every step."),
) -> None:
    """AI node for lungs on CT and PET-CT. AI result - not for diagnosis; requires physician review."""
    if version:
        sys.stdout.write(f"lungnode {__version__}\n")
        raise typer.Exit
    configure_logging(verbose=verbose)


def run() -> None:
    """Run the command line and turn every failure into a code, a next step and an exit status."""
    try:
        app()
    except LungnodeError as error:
        _fail(error)
    except Exception as error:  # noqa: BLE001 - the outermost edge: a person gets an incident id, the log the frames
        if isinstance(error, OSError) and error.filename is not None:
            _fail(Misconfigured("ENV-FILE", f"{error.strerror}: {error.filename}"))
        if isinstance(error, MemoryError):
            _fail(WorldUnavailable("SYS-MEM", str(error) or "memory ran out"))
        incident = uuid.uuid4().hex[:12]
        structlog.get_logger().error("cli.failed", incident=incident, exc_info=error)
        _fail(OurMistake("INTERNAL", f"internal error {incident}: {type(error).__name__}; the log has the details"))


def configure_logging(*, verbose: bool = False) -> None:
    """Log to standard error: JSON lines, or pretty ones on a terminal."""
    pretty = sys.stderr.isatty()
    renderer: Any = structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            without_message,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if verbose else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    tell_of_libraries()


def _fail(error: LungnodeError) -> None:
    from node.settings_snapshot import SUPERVISED  # noqa: PLC0415 - `--help` must not load the settings

    if _wants_json():
        print_json({"error": error.as_json()})
    elif SUPERVISED in os.environ:  # what it says stands among the lines of the node's log
        structlog.get_logger().error("process.refused", code=error.code, next_step=error.message)
    else:
        print_error(error)
    raise SystemExit(error.exit_code)


def _wants_json() -> bool:
    return "--json" in sys.argv


def _only_lists_commands() -> bool:
    """Tell whether only the list of commands is to be shown, so that no command need be imported."""
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    return not words


def _placeholder(short_help: str) -> typer.Typer:
    listed = typer.Typer(add_completion=False)
    listed.command(help=short_help)(_nothing)
    return listed


def _nothing() -> None:
    """Stand for a command in the list."""
