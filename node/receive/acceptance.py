"""What must hold of a received data set before it is kept: the command's UIDs are in it, and its size is sane."""

import mmap
import os

from node.facts.limits import MOST_FRAMES, MOST_PIXEL_BYTES, MOST_ROWS_OR_COLUMNS
from node.receive.command import Command
from node.receive.elements import Data, FirstElements, MoreNeeded, walk
from node.receive.status import Status, Unacceptable
from node.receive.syntaxes import IMPLICIT_LITTLE, NATIVE
from node.store.layout import InstanceUids, is_uid

_FIRST_BYTES = 16384
_HALF_CHROMA = frozenset((b"YBR_FULL_422", b"YBR_PARTIAL_422"))  # two samples a pixel when native


def accept_file(descriptor: int, start: int, request: Command, transfer_syntax_uid: str) -> InstanceUids:
    """Check an open file whose data set begins at `start`, and return the UIDs under which it is kept.

    Most headers lie in the first pages; a longer one is mapped, so that memory stays flat.
    """
    size = os.fstat(descriptor).st_size
    try:
        return accept(os.pread(descriptor, _FIRST_BYTES, 0), start, request, transfer_syntax_uid, end=size)
    except MoreNeeded:
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as data:
            return accept(data, start, request, transfer_syntax_uid)


def accept(
    data: Data, start: int, request: Command, transfer_syntax_uid: str, *, end: int | None = None
) -> InstanceUids:
    """Check the data set between `start` and `end`, and return the UIDs under which it is kept.

    Raises
    ------
    MoreNeeded
        `data` is only the first part, and the header goes on behind it.
    Unacceptable
        With the status of standards 6.1 and a comment without patient data.
    """
    first = walk(data, start, implicit=transfer_syntax_uid == IMPLICIT_LITTLE, end=end)
    try:
        return _checked(first, request, native=transfer_syntax_uid in NATIVE)
    except Unacceptable as refusal:
        raise first.name(refusal) from None


def _checked(first: FirstElements, request: Command, *, native: bool) -> InstanceUids:
    """Compare the UIDs with the command's, and look at the sizes."""
    uids = _uids(first)
    if first.uid("sop_class") != request.sop_class_uid or uids.sop != request.sop_instance_uid:
        raise Unacceptable(Status.DATA_SET_MISMATCH, "ID-NOUID: the data set's UIDs are not those of the command")
    _check_sizes(first, native=native)
    return uids


def _uids(first: FirstElements) -> InstanceUids:
    """Read the three UIDs; each one becomes a name on disk, so each one is checked."""
    for name in ("study", "series", "sop"):
        if not is_uid(first.uid(name)):
            raise Unacceptable(Status.DATA_SET_MISMATCH, f"ID-NOUID: the {name} instance UID is missing or invalid")
    return InstanceUids(first.uid("study"), first.uid("series"), first.uid("sop"))


def _check_sizes(first: FirstElements, *, native: bool) -> None:
    """Refuse what would be too large to open, and native pixels of another length than announced (SIZE-DIM)."""
    rows, columns = first.short("rows", 0), first.short("columns", 0)
    frames = max(first.integer_string("frames", 1), 1)
    bits = first.short("bits_allocated", 0) * first.short("samples", 1)
    if max(rows, columns) > MOST_ROWS_OR_COLUMNS or frames > MOST_FRAMES:
        raise Unacceptable(Status.DATA_SET_MISMATCH, f"SIZE-DIM: {rows} x {columns} x {frames} frames")
    if first.values.get("photometric", b"").strip(b"\0 ") in _HALF_CHROMA:
        bits = bits * 2 // 3
    expected = (rows * columns * frames * bits + 7) // 8
    if expected > MOST_PIXEL_BYTES:
        raise Unacceptable(Status.DATA_SET_MISMATCH, f"SIZE-DIM: {expected} bytes of pixels")
    if native and first.pixel_bytes is not None and bits and first.pixel_bytes != expected + expected % 2:
        raise Unacceptable(
            Status.DATA_SET_MISMATCH, f"SIZE-DIM: {first.pixel_bytes} bytes of pixels, announced {expected}"
        )
