"""What a person or a program sees: the answer on standard output (`--json`: one object), all else on standard error."""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from node.errors import LungnodeError

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tabulator and line feed


class _Screen(Console):
    """A console on which a text, which may quote a header or a file's name, commands no terminal."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as the library does, each control character as the sign of what cannot be shown."""
        super().print(*(_CONTROL.sub("\ufffd", o) if isinstance(o, str) else o for o in objects), **options)


to_person = _Screen(stderr=True, highlight=False, soft_wrap=True)  # progress and errors
answer = _Screen(highlight=False, soft_wrap=True)  # what a command was asked for, so that it can be piped


def print_json(value: dict[str, Any]) -> None:
    """Write one JSON object to standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")
    sys.stdout.flush()


def print_error(error: LungnodeError) -> None:
    """Say what went wrong, with its code."""
    to_person.print(f"[bold red]{error.code}[/] ", end="")
    to_person.print(error.message, markup=False)


def print_foreign(foreign: Iterable[bool]) -> None:
    """Count what lies in a folder and is no DICOM, in one line."""
    if n_files := sum(foreign):
        answer.print(f"{n_files} {'file is' if n_files == 1 else 'files are'} not DICOM")


@contextmanager
def progress() -> Iterator[Progress]:
    """Show progress on a terminal; nothing where standard error is not one."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=to_person, transient=True, disable=not to_person.is_terminal) as bar:
        yield bar
