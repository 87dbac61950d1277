"""Signs of life of receivers, workers and the intake: a file each, touched while the loop goes round.

A process that is stopped or hangs keeps its port and its locks, and the kernel goes on taking connections for it:
whoever only looks at these sees nothing. A process that dies lets its file grow old, too.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

_EVERY_S = 5.0
SILENT_AFTER_S = 30.0
WORKER_SILENT_AFTER_S = 180.0  # its loop waits for the database between two beats
INTAKE_SILENT_AFTER_S = 900.0  # reading one series for the first time may take ten minutes


class Heartbeat:
    """The sign of life of one loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next_s = 0.0

    def beat(self) -> None:
        """Say that the loop goes round; often asked, seldom done."""
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + _EVERY_S
        with suppress(OSError):  # a full disk has its own signs, and must not end the loop
            self._path.parent.mkdir(exist_ok=True)  # its parent alone: a data folder that is away stays away
            self._path.touch()
            os.utime(self._path, (time.time(), time.time()))  # our clock, not that of a file server


def heartbeat_file(data_dir: Path, process: int, *, tls: bool) -> Path:
    """Return where a receiver process leaves the sign of life of one of its ports."""
    return data_dir / "spool" / "alive" / f"receive-{process}{'-tls' if tls else ''}"


def worker_heartbeat_file(data_dir: Path, slot: str) -> Path:
    """Return where the worker of a slot leaves its sign of life."""
    return data_dir / "spool" / "alive" / f"work-{slot}"


def intake_heartbeat_file(data_dir: Path) -> Path:
    """Return where the intake leaves its sign of life, in whichever worker it runs."""
    return data_dir / "spool" / "alive" / "intake"


def is_silent(path: Path, now_s: float, after_s: float = SILENT_AFTER_S) -> bool:
    """Tell whether a loop has given no sign of life for too long, or never one."""
    try:
        return now_s - path.stat().st_mtime > after_s
    except OSError:
        return True
