"""Typed values of a header: absent, empty, multi-valued and unparsable ones all end here (PS3.5 section 6.2).

A number that breaks the grammar of its VR (decimal comma, text, not finite) counts as missing and its keyword is
noted; a number of more than 16 characters is read as it is. Several values where one is defined count as one if they
are equal, else as missing.
"""

import re
from dataclasses import dataclass, field

from node.facts.charset import CharacterSet
from node.facts.walk import Header

LONGEST_TEXT = 1024  # characters; a longer text is cut and its keyword noted

_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_INTEGER = re.compile(r"[+-]?\d{1,12}")
_LONGEST_NUMBERS_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Values:
    """Read the elements of one header; what could not be read is gathered in `unparsable` and `undecodable`."""

    header: Header
    charset: CharacterSet
    unparsable: list[str] = field(default_factory=list)
    undecodable: list[str] = field(default_factory=list)

    def within(self, header: Header) -> "Values":
        """Read another item with the same character set and the same notes."""
        return Values(header, self.charset, self.unparsable, self.undecodable)

    def text(self, keyword: str, *, is_name: bool = False) -> str:
        """Return a decoded text (LO, SH, PN, ST, LT, UC, UT) without padding, "" where absent."""
        raw = self.header.raw(keyword)
        if not raw:
            return ""
        text, whole = self.charset.text(raw[: 8 * LONGEST_TEXT].rstrip(b"\0 "), is_name=is_name)
        if not whole:
            self.undecodable.append(keyword)
        if len(raw) > 8 * LONGEST_TEXT or len(text) > LONGEST_TEXT:
            self.unparsable.append(keyword)
        return text.strip(" \0")[:LONGEST_TEXT]

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Return the values of a multi-valued text."""
        text = self.text(keyword)
        return tuple(part.strip(" ") for part in text.split("\\")) if text else ()

    def codes(self, keyword: str) -> tuple[str, ...]:
        """Return the values of a CS, AE or UI: ASCII, without padding."""
        raw = self.header.raw(keyword)
        if not raw:
            return ()
        text = raw[:LONGEST_TEXT].decode("ascii", "backslashreplace").strip(" \0")
        return tuple(part.strip(" \0") for part in text.split("\\")) if text else ()

    def code(self, keyword: str) -> str:
        """Return the first value of a CS, AE, UI, DA or TM, "" where absent."""
        values = self.codes(keyword)
        return values[0] if values else ""

    def decimals(self, keyword: str) -> tuple[float, ...] | None:
        """Return the values of a DS or FD, None where absent or where any of them cannot be parsed."""
        raw = self.header.raw(keyword)
        if not raw or not raw.strip(b" \0"):
            return None
        parts = raw[:_LONGEST_NUMBERS_BYTES].decode("ascii", "replace").strip("\0 ").split("\\")
        numbers = [float(part) for part in map(str.strip, parts) if _DECIMAL.fullmatch(part)]
        if len(numbers) != len(parts) or float("inf") in map(abs, numbers):
            self.unparsable.append(keyword)
            return None
        return tuple(numbers)

    def decimal(self, keyword: str) -> float | None:
        """Return the one value of a DS."""
        numbers = self.decimals(keyword)
        if numbers and len(set(numbers)) > 1:
            self.unparsable.append(keyword)
            return None
        return numbers[0] if numbers else None

    def integer(self, keyword: str) -> int | None:
        """Return the one value of an IS."""
        values = [value for value in self.codes(keyword) if value]
        if not values:
            return None
        if len(set(values)) > 1 or not _INTEGER.fullmatch(values[0]):
            self.unparsable.append(keyword)
            return None
        return int(values[0])

    def short(self, keyword: str, *, signed: bool = False) -> int | None:
        """Return the first value of a US or SS; `signed` says how its 16 bits are meant."""
        raw = self.header.raw(keyword)
        if not raw:
            return None
        if len(raw) < 2 or len(raw) % 2:
            self.unparsable.append(keyword)
            return None
        return int.from_bytes(raw[:2], "little" if self.header.encoding.little else "big", signed=signed)
