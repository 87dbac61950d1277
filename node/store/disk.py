"""Two marks on the spool's file system: below the soft one no new work, below the hard one nothing is received."""

import os
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_GIB = 1024**3
_PROBE_BYTES = 1 << 20  # more than an instance and less than anybody misses


class Room(StrEnum):
    """How much there is left."""

    ENOUGH = "enough"
    LITTLE = "little"  # below the soft mark
    NONE = "none"  # below the hard mark


@dataclass(frozen=True, slots=True)
class Marks:
    """The two marks, in free bytes."""

    soft_bytes: int
    hard_bytes: int


def marks(soft_free_gib: float, hard_free_gib: float) -> Marks:
    """Turn the two settings into bytes."""
    return Marks(int(soft_free_gib * _GIB), int(hard_free_gib * _GIB))


def free_bytes(folder: Path) -> int:
    """Return what an ordinary user may still write on the file system of `folder`."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def room_left(free: int, at: Marks) -> Room:
    """Compare free bytes with the marks."""
    if free < at.hard_bytes:
        return Room.NONE
    return Room.LITTLE if free < at.soft_bytes else Room.ENOUGH


def refusal(folder: Path) -> str | None:
    """Say why nothing can be written, None where it can: a quota, and a disk that is read-only, show free bytes."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(_PROBE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return error.strerror or type(error).__name__
    return None
