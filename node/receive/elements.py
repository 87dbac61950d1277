"""A bounded walk over a received data set: its UIDs, its sizes, its nesting (standards 6.1, SIZE-DIM, SIZE-NEST).

Values are not decoded beyond that. The walk goes from element to element, into sequences only to count and to
measure depth, and never reads what an element claims to be larger than what is there.
"""

import struct
from dataclasses import dataclass
from mmap import mmap

from node.facts.limits import DEEPEST_NESTING, MOST_ELEMENTS
from node.receive.status import Status, Unacceptable
from node.store.layout import is_uid

_UNDEFINED = 0xFFFFFFFF
_LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_SHORT_VRS = frozenset(
    (b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FL", b"FD", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS",
     b"ST", b"TM", b"UI", b"UL", b"US")
)  # fmt: skip
_VRS = _LONG_VRS | _SHORT_VRS
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXELS = 0x7FE00010
_FIRST_GROUP = 0x0004  # below are command, file meta and directory
_WANTED = {
    0x00080016: "sop_class", 0x00080018: "sop", 0x0020000D: "study", 0x0020000E: "series", 0x00280002: "samples",
    0x00280004: "photometric", 0x00280008: "frames", 0x00280010: "rows", 0x00280011: "columns",
    0x00280100: "bits_allocated",
}  # fmt: skip
_HIGHEST_KEPT = 256  # bytes of a wanted value; the longest legal one has 64
_HEAD = struct.Struct("<HH2sH").unpack_from
_LENGTH = struct.Struct("<L").unpack_from

Data = bytes | mmap


@dataclass(frozen=True, slots=True)
class FirstElements:
    """The raw values of the wanted elements by name, and the length of the pixel data."""

    values: dict[str, bytes]
    pixel_bytes: int | None  # None: absent or encapsulated

    def uid(self, name: str) -> str:
        """Return a UID, "" where it is absent."""
        return self.values.get(name, b"").decode("ascii", "replace").strip("\0 ")

    def name(self, refusal: Unacceptable) -> Unacceptable:
        """Write the UIDs of study and series into a refusal, so that a person finds it by them; only true UIDs."""
        study, series = self.uid("study"), self.uid("series")
        refusal.study_uid, refusal.series_uid = study if is_uid(study) else "", series if is_uid(series) else ""
        return refusal

    def short(self, name: str, otherwise: int) -> int:
        """Return an unsigned short (US)."""
        value = self.values.get(name, b"")
        return int.from_bytes(value[:2], "little") if len(value) >= 2 else otherwise

    def integer_string(self, name: str, otherwise: int) -> int:
        """Return an integer string (IS); `otherwise` also where it is not a number."""
        try:
            return int(self.values.get(name, b"").decode("ascii", "replace").strip("\0 ") or otherwise)
        except ValueError:
            return otherwise


class MoreNeeded(Exception):
    """The walk came to an element behind the part of the data set that it was given."""


def walk(data: Data, start: int, *, implicit: bool, end: int | None = None) -> FirstElements:
    """Walk over the data set that begins at `start`.

    Parameters
    ----------
    data : the file, or its first part
    start : where the data set begins in it
    implicit : whether it is written without VRs
    end : where the data set ends; None: with `data`

    Raises
    ------
    MoreNeeded
        `data` is only a part and the elements go on behind it.
    Unacceptable
        CANNOT_PARSE: no data set; NESTED_TOO_DEEP: a bound was passed; TRUNCATED: it ends inside an element.
    """
    one = _Walk(data, len(data) if end is None else end, implicit=implicit)
    try:
        return one.run(start)
    except struct.error:  # a head that is announced to be there is not in `data`
        raise MoreNeeded from None
    except Unacceptable as refusal:
        raise FirstElements(one.values, None).name(refusal) from None


class _Walk:
    """One walk: the data, how it is written, and how many elements there were."""

    def __init__(self, data: Data, end: int, *, implicit: bool) -> None:
        self._data = data
        self._end = end
        self._implicit = implicit
        self._n_elements = 0
        self.values: dict[str, bytes] = {}

    def run(self, position: int) -> FirstElements:
        """Go along the top level."""
        values = self.values
        pixel_bytes: int | None = None
        n_found = 0
        while position < self._end:
            position, plain = self._past_plain(position, values)
            n_found += plain
            if position >= self._end:
                break
            tag, vr, position, length = self._head(position, implicit=self._implicit)
            if tag >> 16 < _FIRST_GROUP:
                raise Unacceptable(Status.CANNOT_PARSE, f"element {tag:08X} cannot stand in a data set")
            n_found += 1
            if tag >> 16 == _ITEM >> 16:  # a stray item tag: scanners write it, its content is read as if it stood here
                self._count()
                continue
            if (name := _WANTED.get(tag)) is not None and length <= _HIGHEST_KEPT:
                values[name] = self._data[position : position + length]
                if position + length > len(self._data) and position + length <= self._end:
                    raise MoreNeeded
            if tag == _PIXELS and length != _UNDEFINED:
                pixel_bytes = length
            position = self._after(tag, vr, position, length, depth=0, implicit=self._implicit)
        if n_found == 0:
            raise Unacceptable(Status.CANNOT_PARSE, "the data set is empty")
        return FirstElements(values, pixel_bytes)

    def _past_plain(self, position: int, values: dict[str, bytes]) -> tuple[int, int]:
        """Go past the short explicit elements that stand here, nearly all of a header: a loop without calls."""
        data, last, n_found = self._data, min(self._end, len(self._data)) - 8, 0
        if self._implicit:
            return position, 0
        while position <= last:
            group, element, vr, length = _HEAD(data, position)
            behind = position + 8 + length
            if vr not in _SHORT_VRS or group < _FIRST_GROUP or behind > last:
                break
            name = _WANTED.get(group << 16 | element)
            if name is not None and length <= _HIGHEST_KEPT:
                values[name] = data[position + 8 : behind]
            position = behind
            n_found += 1
        self._count(n_found)
        return position, n_found

    def _head(self, position: int, *, implicit: bool) -> tuple[int, bytes, int, int]:
        """Read one element's tag, VR, position of its value and length."""
        data = self._data
        if position + 8 > self._end:
            raise Unacceptable(Status.TRUNCATED, f"the data set ends at byte {self._end} inside a tag")
        group, element, vr, length = _HEAD(data, position)
        tag = group << 16 | element
        if implicit or group == 0xFFFE:
            return tag, b"", position + 8, _LENGTH(data, position + 4)[0]
        if vr in _LONG_VRS:
            if position + 12 > self._end:
                raise Unacceptable(Status.TRUNCATED, f"the data set ends at byte {self._end} inside a tag")
            return tag, vr, position + 12, _LENGTH(data, position + 8)[0]
        if vr not in _VRS:  # scanners have written single elements without a VR among explicit ones
            return tag, b"", position + 8, _LENGTH(data, position + 4)[0]
        return tag, vr, position + 8, length

    def _after(self, tag: int, vr: bytes, position: int, length: int, *, depth: int, implicit: bool) -> int:
        """Return where the next element begins."""
        self._count()
        if length == _UNDEFINED:
            return self._after_items(tag, position, depth=depth + 1, implicit=implicit or vr == b"UN")
        if length > self._end - position:
            raise Unacceptable(
                Status.TRUNCATED, f"element {tag:08X} has {length} bytes where {self._end - position} are left"
            )
        if vr == b"SQ":
            self._inside(position, position + length, depth=depth + 1, implicit=implicit)
        return position + length

    def _after_items(self, tag: int, position: int, *, depth: int, implicit: bool) -> int:
        """Pass over a sequence or the fragments of pixel data of undefined length, up to its delimiter."""
        self._check_depth(depth)
        while True:
            item, _, position, length = self._head(position, implicit=True)
            if item == _SEQUENCE_END:
                return position
            if item != _ITEM:
                raise Unacceptable(Status.CANNOT_PARSE, f"no item but {item:08X} in element {tag:08X}")
            self._count()
            position = self._after_item(tag, position, length, depth=depth, implicit=implicit)

    def _after_item(self, tag: int, position: int, length: int, *, depth: int, implicit: bool) -> int:
        """Pass over one item or fragment."""
        if length == _UNDEFINED:
            return self._after_open_item(position, depth=depth, implicit=implicit)
        if length > self._end - position:
            raise Unacceptable(Status.TRUNCATED, f"an item of element {tag:08X} is longer than what is left")
        if tag != _PIXELS:
            self._elements(position, position + length, depth=depth, implicit=implicit)
        return position + length

    def _after_open_item(self, position: int, *, depth: int, implicit: bool) -> int:
        while True:
            tag, vr, position, length = self._head(position, implicit=implicit)
            if tag == _ITEM_END:
                return position
            position = self._after(tag, vr, position, length, depth=depth, implicit=implicit)

    def _inside(self, position: int, end: int, *, depth: int, implicit: bool) -> None:
        """Look into a sequence of defined length."""
        self._check_depth(depth)
        while position < end:
            item, _, position, length = self._head(position, implicit=True)
            if item == _SEQUENCE_END:
                return
            if item != _ITEM:
                raise Unacceptable(Status.CANNOT_PARSE, f"no item but {item:08X} in a sequence")
            self._count()
            position = self._after_item(item, position, length, depth=depth, implicit=implicit)

    def _elements(self, position: int, end: int, *, depth: int, implicit: bool) -> None:
        """Go along the elements of an item of defined length."""
        while position < end:
            tag, vr, position, length = self._head(position, implicit=implicit)
            if tag == _ITEM_END:
                return
            position = self._after(tag, vr, position, length, depth=depth, implicit=implicit)

    def _count(self, n_elements: int = 1) -> None:
        self._n_elements += n_elements
        if self._n_elements > MOST_ELEMENTS:
            raise Unacceptable(Status.NESTED_TOO_DEEP, f"SIZE-NEST: more than {MOST_ELEMENTS} elements")

    def _check_depth(self, depth: int) -> None:
        if depth > DEEPEST_NESTING:
            raise Unacceptable(Status.NESTED_TOO_DEEP, f"SIZE-NEST: more than {DEEPEST_NESTING} levels of sequences")
