"""The spool: an incoming file becomes a kept one, durably and never over another.

`keep` returns only after the bytes, the name and the folder are on disk; then the peer may be told 0x0000.
"""

import errno
import fcntl
import os
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from uuid import uuid4

from node.store.durable import flush_folder, link_new
from node.store.identity import identity
from node.store.layout import InstanceUids, Layout, current_path, numbered_path
from node.store.part10 import read_meta_from

_COMPARE_BYTES = 1 << 20
_UNWRITTEN_FOR_S = 2.0  # an empty file this young may be about to be locked by its writer


class Outcome(StrEnum):
    """What became of an incoming file."""

    NEW = "new"
    DUPLICATE = "duplicate"  # the same data set, byte by byte, is already kept
    VARIANT = "variant"  # the same SOP Instance UID with other bytes: kept beside, judged by `settle`


@dataclass(frozen=True, slots=True)
class Incoming:
    """A temporary file that is being written. Its lock tells the cleaning that somebody is at it."""

    path: Path
    descriptor: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What `keep` did, and the file that now holds the data set."""

    outcome: Outcome
    path: Path


class Spool:
    """The files under `data_dir`. Several processes and threads may use one spool."""

    def __init__(self, data_dir: Path) -> None:
        self.layout = Layout(data_dir)
        self.layout.create()
        self._incoming = str(self.layout.incoming)
        self._begun_with = self._identity()
        self._studies = self.layout.studies
        self._above = len(str(self.layout.spool)) + 1

    def must_be_there(self) -> None:
        """Look whether this is still the spool that was opened, and no other one in its place.

        Raises
        ------
        FileNotFoundError
            The data folder was unmounted, moved or removed.
        """
        if self._identity() != self._begun_with:
            raise FileNotFoundError(errno.ENOENT, "another one is in its place")

    def begin(self) -> Incoming:
        """Open a temporary file."""
        path = f"{self._incoming}/{uuid4().hex}.part"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return Incoming(Path(path), descriptor)

    def relative(self, path: Path) -> str:
        """Return a kept file's path below the spool."""
        return str(path)[self._above :]

    def discard(self, incoming: Incoming) -> None:
        """Forget a temporary file."""
        incoming.path.unlink(missing_ok=True)
        os.close(incoming.descriptor)

    def keep(self, incoming: Incoming, uids: InstanceUids, data_set_offset: int) -> Kept:
        """Make a complete temporary file a kept one; it is closed in any case.

        Parameters
        ----------
        incoming : the file, completely written
        uids : under which it is kept, as its data set says
        data_set_offset : where the data set begins in it, bytes

        Raises
        ------
        OSError
            The disk did not do it; nothing is promised and nothing is left behind.
        """
        try:
            os.fsync(incoming.descriptor)
            return self._place(incoming, uids, data_set_offset)
        finally:
            self.discard(incoming)

    def clean(self) -> int:
        """Remove the temporary files that nobody is writing, and return how many there were."""
        return sum(_remove_abandoned(path) for path in self.layout.incoming.iterdir())

    def _place(self, incoming: Incoming, uids: InstanceUids, offset: int) -> Kept:
        """Link the file to the first place that is free, or find its equal on the way."""
        target = current_path(self._studies, uids)
        if link_new(incoming.path, target):
            flush_folder(target.parent)
            return Kept(Outcome.NEW, target)
        if equal := self._equal(incoming, uids, offset):
            flush_folder(equal.parent)  # the first copy's writer may not have come to its own flush yet
            return Kept(Outcome.DUPLICATE, equal)
        number = 1
        while not link_new(incoming.path, target := numbered_path(self.layout.variants, uids, number)):
            number += 1
        flush_folder(target.parent)
        return Kept(Outcome.VARIANT, target)

    def _identity(self) -> tuple[int, str]:
        """Return inode and number; the device's may be another one once a file server is mounted again."""
        return self.layout.spool.stat().st_ino, identity(self.layout.data_dir)

    def _equal(self, incoming: Incoming, uids: InstanceUids, offset: int) -> Path | None:
        """Return the kept file with the same data set: the current one, one waiting, or one in quarantine."""
        candidates = [current_path(self.layout.studies, uids)]
        for root in (self.layout.variants, self.layout.quarantine):
            folder = root / uids.study / uids.series
            candidates += sorted(folder.glob(f"{uids.sop}~*"))
        return next((path for path in candidates if _same_data_set(incoming.descriptor, offset, path)), None)


def _same_data_set(descriptor: int, offset: int, path: Path) -> bool:
    """Compare the data sets of an open and a kept file, byte by byte."""
    try:
        with path.open("rb", buffering=0) as raw, os.fdopen(os.dup(descriptor), "rb", buffering=0) as other:
            start = read_meta_from(raw, path).data_set_offset
            if os.fstat(raw.fileno()).st_size - start != os.fstat(descriptor).st_size - offset:
                return False
            raw.seek(start)
            other.seek(offset)
            while block := raw.read(_COMPARE_BYTES):
                if block != other.read(len(block)):
                    return False
            return True
    except FileNotFoundError:  # judged or removed in between
        return False


def _remove_abandoned(path: Path) -> bool:
    """Remove one temporary file unless its writer lives."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        status = os.fstat(descriptor)
        if status.st_size == 0 and time.time() - status.st_mtime < _UNWRITTEN_FOR_S:
            return False
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)
