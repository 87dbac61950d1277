"""Elements in Explicit VR Little Endian (PS3.5 7.1.2 and 7.5), for what is written a thousand times in one object."""

import struct
from collections.abc import Iterable
from functools import cache

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.tag import Tag

_ITEM = b"\xfe\xff\x00\xe0"
_LONG = frozenset(("UC", "UR", "UT"))  # with a length of 32 bits, PS3.5 table 7.1-1
_PADDING = {"UI": b"\0"}  # all other text is padded with a space


def element(keyword: str, vr: str, value: bytes) -> bytes:
    """Return an element of a text, UID or number VR."""
    padded = value + _PADDING.get(vr, b" ") * (len(value) % 2)
    length = b"\0\0" + struct.pack("<I", len(padded)) if vr in _LONG else struct.pack("<H", len(padded))
    return _tag(keyword) + vr.encode() + length + padded


def sequence(keyword: str, item: bytes) -> bytes:
    """Return a sequence of one item, with explicit lengths."""
    return sequence_of(keyword, items([item]))


def sequence_of(keyword: str, value: bytes) -> bytes:
    """Return a sequence of items that are encoded already."""
    return _tag(keyword) + b"SQ\0\0" + struct.pack("<I", len(value)) + value


def items(encoded: Iterable[bytes]) -> bytes:
    """Return the value of a sequence."""
    return b"".join(part for item in encoded for part in (_ITEM, struct.pack("<I", len(item)), item))


def dataset(given: Dataset) -> bytes:
    """Return the elements of a data set as pydicom encodes them."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, given)
    return bytes(buffer.getvalue())


@cache
def _tag(keyword: str) -> bytes:
    tag = Tag(keyword)
    return struct.pack("<HH", tag.group, tag.element)
