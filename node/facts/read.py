"""One file's header, from disk: with or without preamble and meta group, in any byte order, deflated or not.

Only as much of the file is read as the header needs, within bounds; whatever is wrong with it ends as `Unread`.
"""

import os
import stat
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pydicom.uid import DeflatedExplicitVRLittleEndian, MediaStorageDirectoryStorage

from node.errors import Code, InputRefused, Severity
from node.facts.charset import character_set
from node.facts.extract import extract, is_uid
from node.facts.instance import InstanceFacts
from node.facts.values import Values
from node.facts.walk import Encoding, Header, MoreNeeded, walk

_PREFIX_AT = 128  # PS3.10 section 7.1
_FIRST_READ_BYTES = 1 << 16  # holds nearly every single-frame header
_LARGEST_HEADER_BYTES = 1 << 28
_LARGEST_INFLATED_HEADER_BYTES = 1 << 26
_EXPLICIT_LITTLE = Encoding(implicit=False, little=True)
_FIRST_GROUPS = frozenset((0x0002, 0x0004, 0x0008))  # with which a data set without preamble can begin
_NAMES = frozenset(("", ".dcm", ".dicom", ".ima"))  # of files that are to hold DICOM, whatever is in them
_DICOM_ROOT = "1.2.840.10008."


@dataclass(frozen=True, slots=True)
class Unread:
    """Why a file gave no facts. `text` holds no patient data; `foreign`: neither name nor content says DICOM."""

    code: Code
    text: str
    foreign: bool = False


def read_facts(path: Path) -> InstanceFacts | Unread:
    """Read the header of one file.

    Parameters
    ----------
    path : a file from anywhere; nothing is assumed about its name or content

    Returns
    -------
    The facts, or the reason why there are none: FILE-UNREAD (not DICOM, no data set, cut off), ID-NOUID (a UID is
    missing or invalid, or file meta and data set differ), TS-PRIV (private transfer syntax), SIZE-NEST (bounds),
    RT-SOP (a DICOMDIR).
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # reading a pipe would wait for ever
            return Unread(Code.FILE_UNREAD, "is no regular file", foreign=True)
        header, meta = _header(path)
        if not header.elements:
            return Unread(Code.FILE_UNREAD, "there is no data set in the file", foreign=_is_foreign(path))
        facts = extract(header, meta.code("TransferSyntaxUID") if meta else "")
    except InputRefused as error:
        return Unread(Code(error.code), error.message, foreign=_is_foreign(path))
    except OSError as error:
        return Unread(Code.FILE_UNREAD, f"cannot be read: {error.strerror}")
    return _identity_fault(facts, meta) or facts


def _identity_fault(facts: InstanceFacts, meta: Values | None) -> Unread | None:
    """ID-NOUID of the data set, or between it and the file meta group (standards 4.4)."""
    for reason in facts.reasons:
        if reason.severity is Severity.REFUSE:
            return Unread(reason.code, reason.text)
    announced = meta.code("MediaStorageSOPInstanceUID") if meta else ""
    if announced and announced != facts.sop_instance_uid:
        return Unread(Code.ID_NOUID, "the SOP Instance UIDs of file meta group and data set differ")
    return None


def _header(path: Path) -> tuple[Header, Values | None]:
    """Read just enough of the file: once, then all of it up to the bound."""
    with path.open("rb", buffering=0) as file:
        total_bytes = os.fstat(file.fileno()).st_size
        data = file.read(_FIRST_READ_BYTES)
        try:
            return _parse(data, total_bytes)
        except MoreNeeded:
            pass
        rest = bytearray(data)
        while len(rest) < min(total_bytes, _LARGEST_HEADER_BYTES):
            more = file.read(_LARGEST_HEADER_BYTES - len(rest))
            if not more:
                total_bytes = len(rest)  # it became shorter while it was read
                break
            rest += more
    try:
        return _parse(bytes(rest), total_bytes)
    except MoreNeeded as error:
        raise InputRefused(Code.SIZE_NEST, f"the header is longer than {_LARGEST_HEADER_BYTES} bytes") from error


def _parse(data: bytes, total_bytes: int) -> tuple[Header, Values | None]:
    """Find meta group and data set in the beginning of a file."""
    start = _PREFIX_AT + 4 if data[_PREFIX_AT : _PREFIX_AT + 4] == b"DICM" else 0
    if total_bytes < start + 8:
        raise InputRefused(Code.FILE_UNREAD, "there is no data set in the file")
    meta: Values | None = None
    if data[start : start + 2] == b"\x02\x00":
        group = walk(data, start, _EXPLICIT_LITTLE, total_bytes, only_group=0x0002)
        meta = Values(group, character_set(()))
        start = max(offset + length for _, offset, length in group.elements.values())
    elif start == 0 and not _looks_like_dicom(data):
        raise InputRefused(Code.FILE_UNREAD, "this is not a DICOM file")
    syntax = meta.code("TransferSyntaxUID") if meta else ""
    _refuse_syntax(syntax, meta)
    if syntax == DeflatedExplicitVRLittleEndian:
        data, start = _inflated(data, start, total_bytes), 0
        total_bytes = len(data)
    return walk(data, start, _encoding(data, start), total_bytes), meta


def _refuse_syntax(syntax: str, meta: Values | None) -> None:
    """Refuse what cannot or must not be walked: private syntaxes, and directories of files."""
    if syntax and not (is_uid(syntax) and syntax.startswith(_DICOM_ROOT)):
        raise InputRefused(Code.TS_PRIV, "the transfer syntax is private or no UID")
    if meta and meta.code("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        raise InputRefused(Code.RT_SOP, "a DICOMDIR lists files and holds no images")


def _looks_like_dicom(data: bytes) -> bool:
    """Say whether a file without preamble begins with an element of a group that comes first."""
    little = int.from_bytes(data[:2], "little")
    big = int.from_bytes(data[:2], "big")
    return little in _FIRST_GROUPS or big in _FIRST_GROUPS


def _is_foreign(path: Path) -> bool:
    """Say whether a file that cannot be read is of another kind: a table, a text, a picture beside the images."""
    if path.suffix.casefold() in _NAMES:
        return False
    with path.open("rb") as file:
        data = file.read(_PREFIX_AT + 4)
    return data[_PREFIX_AT:] != b"DICM" and data[:2] != b"\x02\x00" and not _looks_like_dicom(data)


def _encoding(data: bytes, start: int) -> Encoding:
    """See from the first element how the data set is written: what the bytes say wins over the meta group.

    The first group is at most 0x00FF in either order, so its zero byte tells the order; a VR is two capital letters
    where an implicit length would have small numbers.
    """
    little = data[start : start + 1] != b"\0" or data[start + 1 : start + 2] == b"\0"
    vr = data[start + 4 : start + 6]
    return Encoding(implicit=not (vr.isalpha() and vr.isupper()), little=little)


def _inflated(data: bytes, start: int, total_bytes: int) -> bytes:
    """Inflate the beginning of a deflated data set (PS3.5 A.5), at most the bound."""
    if len(data) < min(total_bytes, _LARGEST_HEADER_BYTES):
        raise MoreNeeded
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        return stream.decompress(BytesIO(data).getbuffer()[start:], _LARGEST_INFLATED_HEADER_BYTES)
    except zlib.error as error:
        raise InputRefused(Code.FILE_UNREAD, "the deflated data set cannot be inflated") from error
