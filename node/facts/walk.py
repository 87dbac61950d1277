"""A bounded walk over an encoded data set: where each top-level element lies, and nothing read twice (PS3.5 section 7).

Headers are input from strangers, so depth, count and every length are checked before anything is touched
(SIZE-NEST), and the walk ends at the pixels. Tolerated, because scanners write it: an element without a VR among
explicit ones (read as implicit where its length then fits, else as one with a damaged VR), and a stray item tag
between elements (passed over).
"""

import struct
from dataclasses import dataclass

from pydicom.datadict import tag_for_keyword

from node.errors import Code, InputRefused
from node.facts.limits import DEEPEST_NESTING, MOST_ELEMENTS

UNDEFINED = 0xFFFFFFFF

_LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_FIRST_PIXEL_TAG, _LAST_PIXEL_TAG = 0x7FE00008, 0x7FE00010  # float, double float and integer pixel data


class MoreNeeded(Exception):
    """The walk left the part of the file that was read, while the file goes on."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How elements are written: with or without VR, byte order."""

    implicit: bool
    little: bool


@dataclass(frozen=True, slots=True)
class Header:
    """The top-level elements of one data set or item: tag → (VR or b"", offset, length)."""

    data: bytes
    total_bytes: int
    encoding: Encoding
    elements: dict[int, tuple[bytes, int, int]]
    has_pixel_data: bool

    def raw(self, keyword: str) -> bytes | None:
        """Return the stored bytes of an element, None where it is absent."""
        return self.raw_at(tag_of(keyword))

    def raw_at(self, tag: int) -> bytes | None:
        """Return the stored bytes of an element by its tag, for private ones, which have no keyword."""
        place = self.elements.get(tag)
        if place is None or place[2] == UNDEFINED:
            return None
        return self.data[place[1] : place[1] + place[2]]

    def items(self, keyword: str, at_most: int) -> tuple["Header", ...]:
        """Return the first items of a sequence; none where it is absent, empty or no sequence."""
        place = self.elements.get(tag_of(keyword))
        if place is None:
            return ()
        _, position, length = place
        end = len(self.data) if length == UNDEFINED else position + length
        found: list[Header] = []
        walker = _Walker(self.data, end, self.encoding)
        while len(found) < at_most and position + 8 <= end:
            tag, item_length = walker.item_head(position)
            if tag != _ITEM:
                break
            stop = end if item_length == UNDEFINED else min(position + 8 + item_length, end)
            elements, position, has_pixels = walker.elements(position + 8, stop, open_item=item_length == UNDEFINED)
            found.append(Header(self.data, self.total_bytes, self.encoding, elements, has_pixels))
            if item_length != UNDEFINED:
                position = stop
        return tuple(found)


_TAGS: dict[str, int] = {}


def tag_of(keyword: str) -> int:
    """Return the tag of a keyword of PS3.6."""
    tag = _TAGS.get(keyword)
    if tag is None:
        found = tag_for_keyword(keyword)
        if found is None:
            raise KeyError(keyword)
        tag = _TAGS[keyword] = found
    return tag


def walk(data: bytes, start: int, encoding: Encoding, total_bytes: int, only_group: int | None = None) -> Header:
    """Find the elements of a data set up to its pixels.

    Parameters
    ----------
    data : the beginning of a file, or all of it
    start : where the data set begins in it
    encoding : how it is written
    total_bytes : length of the whole file
    only_group : stop at the first element of another group (file meta information)

    Raises
    ------
    MoreNeeded
        The header goes on behind `data`.
    InputRefused
        SIZE-NEST: deeper, longer or larger than bounds allow; FILE-UNREAD: not a data set.
    """
    walker = _Walker(data, total_bytes, encoding)
    elements, _, has_pixel_data = walker.elements(start, total_bytes, only_group=only_group)
    return Header(data, total_bytes, encoding, elements, has_pixel_data)


class _Walker:
    """The position-free part of a walk: buffer, bounds and the number of elements seen."""

    def __init__(self, data: bytes, total_bytes: int, encoding: Encoding) -> None:
        self._data = data
        self._total = total_bytes
        self._limit = min(len(data), total_bytes)  # what may be touched
        self._implicit = encoding.implicit
        order = "<" if encoding.little else ">"
        self._short = struct.Struct(order + "HH2sH").unpack_from
        self._long = struct.Struct(order + "HHL").unpack_from
        self._length = struct.Struct(order + "L").unpack_from
        self._n_elements = 0

    def elements(
        self, position: int, end: int, *, only_group: int | None = None, open_item: bool = False
    ) -> tuple[dict[int, tuple[bytes, int, int]], int, bool]:
        """Return the elements up to `end`, an item delimiter or the pixels; where it stopped; whether at pixels."""
        found: dict[int, tuple[bytes, int, int]] = {}
        while position + 8 <= end:
            tag, vr, value, length = self._head(position)
            if only_group is not None and tag >> 16 != only_group:
                break
            if _FIRST_PIXEL_TAG <= tag <= _LAST_PIXEL_TAG:
                return found, position, True
            if tag == _ITEM_END and open_item:
                return found, value, False
            if tag >> 16 == 0xFFFE:
                position = value  # a stray item tag: its content is read as if it stood here
                continue
            found[tag] = (vr, value, length)
            position = self._after(tag, vr, value, length, depth=1)
        return found, position, False

    def item_head(self, position: int) -> tuple[int, int]:
        """Read an item's tag and length, which never have a VR."""
        if position + 8 > self._limit:
            self._beyond(position, 8)
        group, element, length = self._long(self._data, position)
        return group << 16 | element, length

    def _head(self, position: int) -> tuple[int, bytes, int, int]:
        """Read tag, VR, position and length of a value."""
        data = self._data
        if position + 12 > self._limit < self._total:
            raise MoreNeeded
        if self._implicit:
            group, element, length = self._long(data, position)
            return group << 16 | element, b"", position + 8, length
        group, element, vr, length = self._short(data, position)
        if vr in _LONG_VRS:
            if position + 12 > self._limit:
                self._beyond(position, 12)
            return group << 16 | element, vr, position + 12, self._length(data, position + 8)[0]
        if group == 0xFFFE or not (vr.isalpha() and vr.isupper()):
            long_length = self._long(data, position)[2]
            if long_length == UNDEFINED or position + 8 + long_length <= self._total:
                return group << 16 | element, b"", position + 8, long_length
        return group << 16 | element, vr, position + 8, length

    def _after(self, tag: int, vr: bytes, value: int, length: int, *, depth: int) -> int:
        """Return the position behind a value, having checked it."""
        self._n_elements += 1
        if self._n_elements > MOST_ELEMENTS:
            raise InputRefused(Code.SIZE_NEST, f"more than {MOST_ELEMENTS} elements in one header")
        if length == UNDEFINED:
            return self._after_items(value, depth=depth)
        if value + length > self._limit:
            self._beyond(value, length, tag, vr)
        return value + length

    def _after_items(self, position: int, *, depth: int) -> int:
        """Return the position behind a sequence of undefined length."""
        if depth > DEEPEST_NESTING:
            raise InputRefused(Code.SIZE_NEST, f"sequences are nested more than {DEEPEST_NESTING} deep")
        while True:
            tag, length = self.item_head(position)
            position += 8
            if tag == _SEQUENCE_END:
                return position
            if tag != _ITEM:
                raise InputRefused(
                    Code.FILE_UNREAD, f"a sequence of undefined length has no end at byte {position - 8}"
                )
            if length == UNDEFINED:
                position = self._after_open_item(position, depth=depth)
            elif position + length > self._limit:
                self._beyond(position, length)
            else:
                position += length

    def _after_open_item(self, position: int, *, depth: int) -> int:
        """Return the position behind an item of undefined length."""
        while True:
            if position + 8 > self._limit:
                self._beyond(position, 8)
            tag, vr, value, length = self._head(position)
            if tag == _ITEM_END:
                return value
            position = self._after(tag, vr, value, length, depth=depth + 1)

    def _beyond(self, position: int, length: int, tag: int = 0, vr: bytes = b"") -> None:
        """Ask for more of the file, or refuse where there is no more."""
        if position + length <= self._total:
            raise MoreNeeded
        what = f"element ({tag >> 16:04X},{tag & 0xFFFF:04X}) {vr.decode('ascii', 'replace')}" if tag else "the header"
        left = self._total - position
        raise InputRefused(Code.SIZE_NEST, f"{what} announces {length} bytes at byte {position} where {left} are left")
