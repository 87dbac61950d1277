"""The journal: one JSON line per kept instance and per association event, a hint for the index.

Lines are appended whole or not at all, and not flushed: after a crash the files are counted again. A process begins its
journal with `started`, which ends all associations that its predecessor in the same slot left open. The files of a
process are numbered; a further one is begun where the last has grown large, and only the last is ever written to.

    started      process
    opened       association, calling, called, host
    kept         association, outcome, study, series, sop, sop_class, syntax, path (below the spool), n_bytes
    commitment   association, transaction, sops     a peer announced these instances (completeness)
    released     association, studies, n_instances
    aborted      association, studies, n_instances
"""

import errno
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_ROTATE_BYTES = 64 << 20
_READ_BYTES = 4 << 20


class Event(StrEnum):
    """What a line is about."""

    STARTED = "started"
    OPENED = "opened"
    KEPT = "kept"
    COMMITMENT = "commitment"
    RELEASED = "released"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: when, what, and the fields of its kind."""

    event: Event
    at_s: float  # seconds since 1970
    fields: dict[str, object]

    def text(self, name: str) -> str:
        """Return a field's text, "" where it is absent."""
        value = self.fields.get(name, "")
        return value if isinstance(value, str) else str(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a field's list of texts."""
        value = self.fields.get(name, ())
        return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()

    def number(self, name: str) -> int:
        """Return a field's integer, 0 where it is absent."""
        value = self.fields.get(name, 0)
        return value if isinstance(value, int) else 0


class Journal:
    """The journal of one process, open for writing; threads may share it."""

    def __init__(self, folder: Path, process: str) -> None:
        self._folder = folder
        self._process = process
        self._lock = threading.Lock()
        self._descriptor, self._n_bytes = self._open()
        self.write(Event.STARTED, process=process)

    def write(self, event: Event, **fields: object) -> None:
        """Append one line."""
        record = {"event": event, "at_s": round(time.time(), 3), **fields}
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            if self._n_bytes >= _ROTATE_BYTES:
                full = self._descriptor
                self._descriptor, self._n_bytes = self._open()
                os.close(full)
            self._append(line)

    def _append(self, line: bytes) -> None:
        """Write a whole line or nothing: a torn one would swallow the line behind it.

        Raises
        ------
        OSError
            ENOSPC where the disk took a part only.
        """
        n_written = 0
        try:
            n_written = os.write(self._descriptor, line)
            if n_written < len(line):  # the rest, or the error that kept it back
                n_written += os.write(self._descriptor, line[n_written:])
            if n_written < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            if n_written:
                os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - n_written)
            raise
        self._n_bytes += n_written

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _open(self) -> tuple[int, int]:
        """Open the newest file of this process, a further one where it has grown large; end a torn line.

        Return the descriptor and the size.
        """
        own = [path for path in journal_files(self._folder) if process_of(path) == self._process]
        number = _number(own[-1]) if own else 0
        if own and own[-1].stat().st_size >= _ROTATE_BYTES:
            number += 1
        path = self._folder / f"{self._process}.{number}.jsonl"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            size += os.write(descriptor, b"\n")
        return descriptor, size


def journal_files(folder: Path) -> tuple[Path, ...]:
    """Return the files of all journals, those of one process in the order they were written in."""
    return tuple(sorted(folder.glob("*.*.jsonl"), key=lambda path: (process_of(path), _number(path))))


def process_of(path: Path) -> str:
    """Return whose journal a file belongs to."""
    return path.name.partition(".")[0]


def _number(path: Path) -> int:
    return int(path.name.split(".")[1])


def read_lines(path: Path, offset: int) -> Iterator[tuple[Line, int]]:
    """Read the whole lines behind `offset`, each with the offset behind it; damaged lines are passed over.

    A journal that retention removed has none.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(offset)
        rest = b""
        while block := file.read(_READ_BYTES):
            *whole, rest = (rest + block).split(b"\n")
            for raw in whole:
                offset += len(raw) + 1
                if (line := _parse(raw)) is not None:
                    yield line, offset


def _parse(raw: bytes) -> Line | None:
    """Decode one line, None where it is torn."""
    try:
        record = json.loads(raw)
        return Line(Event(record.pop("event")), float(record.pop("at_s")), record)
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
