"""The file meta information in front of a received data set (PS3.10 section 7.1), written and read without a library.

The node writes it itself, because the receiver must not decode anything: the data set that follows is byte by byte
what the peer sent. Calling and called AE titles stand in it, so that the files alone can rebuild the index.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from node import __version__
from node.errors import Code, InputRefused

# of everything that we write or say: spool, objects, associations (PS3.7 D.3.3.2); a constant, see standards 1.3
IMPLEMENTATION_CLASS_UID = "2.25.307649791712826621726929714603528858384"
IMPLEMENTATION_VERSION_NAME = f"LUNGNODE_{__version__}"[:16]  # SH: more than 16 characters is an error

_PREAMBLE = bytes(128) + b"DICM"
_MAXIMUM_META_BYTES = 65536  # ours has about 400; a longer one is not a file of this spool
_LONG_VRS = (b"OB", b"OW", b"UN", b"SQ", b"UT")
_CLASS, _INSTANCE, _SYNTAX, _CALLING, _CALLED = 0x02, 0x03, 0x10, 0x16, 0x18  # elements of group 0002


@dataclass(frozen=True, slots=True)
class FileMeta:
    """What the file meta information says, and where the data set begins."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    calling_ae: str
    called_ae: str
    data_set_offset: int = 0


def encode_meta(meta: FileMeta) -> bytes:
    """Return preamble and file meta information; `data_set_offset` is what its length will be."""
    elements = b"".join(
        (
            _element(0x01, b"OB", b"\x00\x01"),
            _element(_CLASS, b"UI", meta.sop_class_uid.encode("ascii")),
            _element(_INSTANCE, b"UI", meta.sop_instance_uid.encode("ascii")),
            _element(_SYNTAX, b"UI", meta.transfer_syntax_uid.encode("ascii")),
            _element(0x12, b"UI", IMPLEMENTATION_CLASS_UID.encode("ascii")),
            _element(0x13, b"SH", IMPLEMENTATION_VERSION_NAME.encode("ascii")),
            _element(_CALLING, b"AE", meta.calling_ae.encode("ascii", "replace")),
            _element(_CALLED, b"AE", meta.called_ae.encode("ascii", "replace")),
        )
    )
    return _PREAMBLE + _element(0x00, b"UL", struct.pack("<L", len(elements))) + elements


def read_meta(path: Path) -> FileMeta:
    """Read the file meta information of a file of the spool.

    Raises
    ------
    InputRefused
        FILE-UNREAD: there is none, or it is damaged.
    """
    with path.open("rb") as file:
        return read_meta_from(file, path)


def read_meta_from(file: BinaryIO, path: Path) -> FileMeta:
    """Read the file meta information of an open file; `path` is for the message."""
    head = file.read(144)
    if head[128:132] != b"DICM" or head[132:138] != b"\x02\x00\x00\x00UL":
        raise InputRefused(Code.FILE_UNREAD, f"{path.name} does not begin with file meta information")
    (length,) = struct.unpack_from("<L", head, 140)
    if length > _MAXIMUM_META_BYTES:
        raise InputRefused(Code.FILE_UNREAD, f"{path.name} announces {length} bytes of file meta information")
    values = _values(file.read(length))
    return FileMeta(
        sop_class_uid=values.get(_CLASS, ""),
        sop_instance_uid=values.get(_INSTANCE, ""),
        transfer_syntax_uid=values.get(_SYNTAX, ""),
        calling_ae=values.get(_CALLING, ""),
        called_ae=values.get(_CALLED, ""),
        data_set_offset=144 + length,
    )


def _element(number: int, vr: bytes, value: bytes) -> bytes:
    """Encode one element of group 0002 in explicit VR little endian, padded to even length."""
    if len(value) % 2:
        value += b"\x00" if vr in {b"UI", b"OB"} else b" "
    if vr in _LONG_VRS:
        return struct.pack("<HH2sHL", 2, number, vr, 0, len(value)) + value
    return struct.pack("<HH2sH", 2, number, vr, len(value)) + value


def _values(data: bytes) -> dict[int, str]:
    """Return the texts of group 0002 by element number."""
    found: dict[int, str] = {}
    position = 0
    while position + 8 <= len(data):
        _, number, vr, length = struct.unpack_from("<HH2sH", data, position)
        position += 8
        if vr in _LONG_VRS:
            if position + 4 > len(data):
                break
            (length,) = struct.unpack_from("<L", data, position)
            position += 4
        found[number] = data[position : position + length].decode("ascii", "replace").strip(" \0")
        position += length
    return found
