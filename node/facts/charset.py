r"""Text by Specific Character Set (0008,0005): PS3.3 C.12.1.1.2 and PS3.5 section 6.1 with Annexes H, I, J, K.

Decoding is strict. What is unknown or does not decode is shown with its bytes as `\xNN` (never "?") and reported, so
that the caller can add CS-UNKNOWN. `ISO_IR 149`, which is no defined term but is seen, is read as `ISO 2022 IR 149`.
"""

from dataclasses import dataclass

_SINGLE_BYTE = {
    "6": "ascii", "13": "shift_jis", "100": "latin_1", "101": "iso8859_2", "109": "iso8859_3", "110": "iso8859_4",
    "126": "iso8859_7", "127": "iso8859_6", "138": "iso8859_8", "144": "iso8859_5", "148": "iso8859_9",
    "166": "tis_620", "203": "iso8859_15",
}  # fmt: skip
_TERMS = {
    "": "ascii",
    "ISO_IR 192": "utf_8",
    "GB18030": "gb18030",
    "GBK": "gbk",
    "ISO_IR 149": "euc_kr",  # seen in files from Korea; not a defined term
    "ISO 2022 IR 149": "euc_kr",
    "ISO 2022 IR 58": "gb2312",
    "ISO 2022 IR 87": "iso2022_jp",
    "ISO 2022 IR 159": "iso2022_jp_2",
    **{f"ISO_IR {number}": codec for number, codec in _SINGLE_BYTE.items()},
    **{f"ISO 2022 IR {number}": codec for number, codec in _SINGLE_BYTE.items()},
}
_WITHOUT_EXTENSIONS = frozenset(("utf_8", "gb18030", "gbk"))  # PS3.3 C.12.1.1.2: never with a second value
_NEEDS_ESCAPE = frozenset(("iso2022_jp", "iso2022_jp_2"))  # codecs that read the escape sequence themselves

_ESC = b"\x1b"
_ESCAPES = {  # PS3.3 tables C.12-3 and C.12-4
    b"(B": "ascii", b"-A": "latin_1", b"-B": "iso8859_2", b"-C": "iso8859_3", b"-D": "iso8859_4", b"-F": "iso8859_7",
    b"-G": "iso8859_6", b"-H": "iso8859_8", b"-L": "iso8859_5", b"-M": "iso8859_9", b"-T": "tis_620",
    b"-b": "iso8859_15", b")I": "shift_jis", b"(J": "shift_jis", b"$B": "iso2022_jp", b"$(D": "iso2022_jp_2",
    b"$)C": "euc_kr", b"$)A": "gb2312",
}  # fmt: skip
_TEXT_RESETS = b"\\\r\n\t\x0c"  # PS3.5 6.1.2.5.3: the initial set is active again after these
_NAME_RESETS = b"\\^="


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """How the texts of one data set are decoded. `known` is false where a term is not defined."""

    codecs: tuple[str, ...]
    known: bool

    def text(self, raw: bytes, *, is_name: bool = False) -> tuple[str, bool]:
        """Decode one element's bytes; the second value says whether all of them could be."""
        if _ESC not in raw and raw.isascii():
            return raw.decode("ascii"), True
        if not self.known:
            return raw.decode("ascii", "backslashreplace"), False
        try:
            if _ESC in raw and self.codecs[0] not in _WITHOUT_EXTENSIONS:
                return self._extended(raw, _NAME_RESETS if is_name else _TEXT_RESETS), True
            return raw.decode(self._initial), True
        except UnicodeDecodeError:
            return raw.decode("ascii", "backslashreplace"), False

    @property
    def _initial(self) -> str:
        first = self.codecs[0]
        return "ascii" if first in _NEEDS_ESCAPE else first

    def _extended(self, raw: bytes, resets: bytes) -> str:
        head, *fragments = raw.split(_ESC)
        return head.decode(self._initial) + "".join(self._fragment(f, resets) for f in fragments)

    def _fragment(self, fragment: bytes, resets: bytes) -> str:
        """Decode what follows one escape sequence, up to the delimiter that ends its effect."""
        sequence = next((s for s in _ESCAPES if fragment.startswith(s)), None)
        if sequence is None:
            raise UnicodeDecodeError("iso2022", fragment, 0, min(3, len(fragment)), "unknown escape sequence")
        codec, body = _ESCAPES[sequence], fragment[len(sequence) :]
        if codec in _NEEDS_ESCAPE:
            return (_ESC + fragment).decode(codec)
        if codec == "ascii":
            codec = self._initial
        end = next((i for i, byte in enumerate(body) if byte in resets), len(body))
        return body[:end].decode(codec) + body[end:].decode(self._initial)


def character_set(terms: tuple[str, ...]) -> CharacterSet:
    """Find the codecs for the values of Specific Character Set; absent means the default repertoire, ASCII."""
    codecs = tuple(_TERMS.get(term, "") for term in (terms or ("",)))
    mixed = len(codecs) > 1 and not _WITHOUT_EXTENSIONS.isdisjoint(codecs)
    return CharacterSet(codecs, known="" not in codecs and not mixed)
