"""A journal's line is there as a whole or not at all, also where the disk takes a part only."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from node.store.journal import Event, Journal, journal_files, read_lines

WRITE = os.write


def takes(n_bytes: int) -> Callable[[int, bytes], int]:
    """Return an `os.write` for a disk with room for so many bytes."""
    left = n_bytes

    def write(descriptor: int, data: bytes) -> int:
        nonlocal left
        if left == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        n_written = WRITE(descriptor, data[:left])
        left -= n_written
        return n_written

    return write


def kept(folder: Path) -> list[str]:
    return [line.text("sop") for line, _ in read_lines(journal_files(folder)[0], 0) if line.event is Event.KEPT]


def test_a_line_that_the_disk_takes_a_part_of_leaves_nothing_and_swallows_no_other(tmp_path: Path, monkeypatch) -> None:
    journal = Journal(tmp_path, "receive-0")
    journal.write(Event.KEPT, sop="1.1")
    with monkeypatch.context() as patched:
        patched.setattr("node.store.journal.os.write", takes(7))
        with pytest.raises(OSError, match="No space left"):
            journal.write(Event.KEPT, sop="1.2")
    journal.write(Event.KEPT, sop="1.3")
    journal.close()
    assert kept(tmp_path) == ["1.1", "1.3"]
    assert journal_files(tmp_path)[0].read_bytes().count(b"\n") == 3


def test_a_line_that_is_written_in_two_parts_is_whole(tmp_path: Path, monkeypatch) -> None:
    journal = Journal(tmp_path, "receive-0")
    parts = iter((7, None))
    monkeypatch.setattr("node.store.journal.os.write", lambda descriptor, data: WRITE(descriptor, data[: next(parts)]))
    journal.write(Event.KEPT, sop="1.1")
    monkeypatch.undo()
    journal.close()
    assert kept(tmp_path) == ["1.1"]
