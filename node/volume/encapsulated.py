"""Compressed pixels as they lie in the file: which bytes are which frame (PS3.5 A.4)."""

import mmap
import struct
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydicom import dcmread

from node.errors import Code, InputRefused
from node.facts.header import UNREADABLE

_UNDEFINED = b"\xff\xff\xff\xff"
_PIXELS = (b"\xe0\x7f\x10\x00OB\0\0" + _UNDEFINED, b"\xe0\x7f\x10\x00OW\0\0" + _UNDEFINED)
_IMPLICIT_PIXELS = b"\xe0\x7f\x10\x00" + _UNDEFINED
_ITEM, _END = 0xFFFEE000, 0xFFFEE0DD


@dataclass(frozen=True, slots=True)
class Encapsulated:
    """The fragments of a file and how they make frames: `frames[i]` lists (offset, length)."""

    data: bytes | mmap.mmap
    frames: tuple[tuple[tuple[int, int], ...], ...]

    def frame(self, index: int) -> bytes:
        """Return the encoded bytes of one frame, 0-based."""
        return b"".join(self.data[offset : offset + length] for offset, length in self.frames[index])


def open_encapsulated(path: str, n_frames: int) -> Encapsulated:
    """Find the frames of a compressed object.

    Raises
    ------
    InputRefused
        PIX-TRUNC if a fragment is cut off or the fragments do not make the frames.
    """
    state = Path(path).stat()
    return _open(path, n_frames, state.st_mtime_ns, state.st_size)


def forget_files() -> None:
    """Let go of the files that were opened last: an open file keeps its disk space after it is deleted."""
    _open.cache_clear()


@lru_cache(maxsize=2)
def _open(path: str, n_frames: int, mtime_ns: int, size: int) -> Encapsulated:  # noqa: ARG001 - they are the cache's key
    with open(path, "rb") as file:  # noqa: PTH123 - Path.open is slower, and this is done per slice
        data = file.read() if n_frames == 1 else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    fragments, table = _fragments(path, data)
    return Encapsulated(data, _frames(fragments, table, n_frames))


def _fragments(path: str, data: bytes | mmap.mmap) -> tuple[list[tuple[int, int]], bytes]:
    """Return the fragments and the offset table; the first candidate whose items end the file is the image."""
    for signature in _PIXELS:
        at = data.find(signature)
        if at >= 0:
            try:
                fragments, table, end = _items(data, at + len(signature))
            except InputRefused:
                continue
            if len(data) - end <= 1:
                return fragments, table
    at = _by_pydicom(path)
    return _items(data, at)[:2]


def _by_pydicom(path: str) -> int:
    """Return where the items of Pixel Data begin, by a full parse."""
    try:
        with warnings.catch_warnings(), open(path, "rb") as file:  # noqa: PTH123
            warnings.simplefilter("ignore")
            dcmread(file, stop_before_pixels=True, force=True)
            head = file.read(12)
            begin = file.tell()
    except UNREADABLE as error:
        raise InputRefused(Code.PIX_TRUNC, f"Pixel Data cannot be found: {type(error).__name__}") from error
    if head in _PIXELS:
        return begin
    if head[:8] == _IMPLICIT_PIXELS:
        return begin - 4
    raise InputRefused(Code.PIX_TRUNC, "the transfer syntax is compressed, Pixel Data is not")


def _items(data: bytes | mmap.mmap, at: int) -> tuple[list[tuple[int, int]], bytes, int]:
    """Walk the items; the first is the offset table. Returns fragments, table and where it ends."""
    fragments: list[tuple[int, int]] = []
    table: bytes | None = None
    while True:
        if at == len(data) and fragments:
            return fragments, table or b"", at  # the delimiter is missing, every fragment is there
        if at + 8 > len(data):
            raise InputRefused(Code.PIX_TRUNC, "the fragments of Pixel Data are cut off")
        group, element, length = struct.unpack_from("<HHL", data, at)
        tag, at = group << 16 | element, at + 8
        if tag == _END:
            return fragments, table or b"", at
        if tag != _ITEM or at + length > len(data):
            raise InputRefused(Code.PIX_TRUNC, "a fragment of Pixel Data is cut off or damaged")
        if table is None:
            table = bytes(data[at : at + length])
        else:
            fragments.append((at, length))
        at += length


def _frames(fragments: list[tuple[int, int]], table: bytes, n_frames: int) -> tuple[tuple[tuple[int, int], ...], ...]:
    if n_frames == 1 and fragments:
        return (tuple(fragments),)
    if len(fragments) == n_frames:
        return tuple((fragment,) for fragment in fragments)
    if len(table) == 4 * n_frames and len(fragments) > n_frames:
        return _by_table(fragments, struct.unpack(f"<{n_frames}L", table))
    raise InputRefused(
        Code.PIX_TRUNC, f"{len(fragments)} fragments cannot be told apart as {n_frames} frames: no offset table"
    )


def _by_table(fragments: list[tuple[int, int]], offsets: tuple[int, ...]) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Group fragments by the Basic Offset Table, which counts from the first fragment's item tag."""
    base = fragments[0][0] - 8
    ends = [*offsets[1:], fragments[-1][0] + 1 - base]
    groups = []
    for begin, end in zip(offsets, ends, strict=True):
        groups.append(tuple(f for f in fragments if begin <= f[0] - 8 - base < end))
    if not all(groups):
        raise InputRefused(Code.PIX_TRUNC, "the offset table does not match the fragments")
    return tuple(groups)
