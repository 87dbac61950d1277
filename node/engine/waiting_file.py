"""What keeps a case that a worker took from going on: kept beside it, so that nobody takes its wait for work."""

from enum import StrEnum
from pathlib import Path

from node.engine.files import read_json, write_json

_FILE = "waiting.json"


class KeptBack(StrEnum):
    """Why a worker begins nothing."""

    PAUSED = "paused"
    DISK = "disk"
    NO_PROCESS = "no process"  # SYS-FORK: none could be started


def mark_waiting(folder: Path, why: KeptBack) -> None:
    """Keep why a case waits."""
    if kept_back(folder) is not why:
        write_json(folder / _FILE, {"why": why.value})


def kept_back(folder: Path) -> KeptBack | None:
    """Return why a case waits; None where it does not."""
    kept = read_json(folder / _FILE)
    return None if kept is None else KeptBack(kept["why"])


def goes_on(folder: Path) -> None:
    """Forget that it waited."""
    (folder / _FILE).unlink(missing_ok=True)
