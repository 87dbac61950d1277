"""The DIMSE command set (PS3.7 section 6.3.1: implicit VR little endian, group 0000), without a library.

Only what C-STORE needs: the other services are left to pynetdicom.
"""

import struct
from dataclasses import dataclass

from node.receive.status import Answer, Status

MAXIMUM_COMMAND_BYTES = 16384  # a C-STORE request has about 200
NO_DATA_SET = 0x0101  # Command Data Set Type, PS3.7 section E.1

_C_STORE_RQ, _C_STORE_RSP = 0x0001, 0x8001
_CLASS, _FIELD, _MESSAGE, _RESPONDED, _TYPE = 0x0002, 0x0100, 0x0110, 0x0120, 0x0800
_STATUS, _COMMENT, _INSTANCE = 0x0900, 0x0902, 0x1000


@dataclass(frozen=True, slots=True)
class Command:
    """One command set; the UIDs are those of C-STORE and empty elsewhere."""

    field: int
    message_id: int
    sop_class_uid: str
    sop_instance_uid: str
    has_data_set: bool

    @property
    def is_store_request(self) -> bool:
        """Whether it is a C-STORE-RQ."""
        return self.field == _C_STORE_RQ


def read_command(command: bytes) -> Command:
    """Read a command set.

    Raises
    ------
    ValueError
        It is not a command set.
    """
    elements = _elements(command)
    field = _short(elements, _FIELD)
    return Command(
        field=field,
        message_id=_short(elements, _MESSAGE) if field == _C_STORE_RQ else 0,
        sop_class_uid=_uid(elements, _CLASS),
        sop_instance_uid=_uid(elements, _INSTANCE),
        has_data_set=_short(elements, _TYPE) != NO_DATA_SET,
    )


def encode_store_response(request: Command, answer: Answer) -> bytes:
    """Encode the C-STORE-RSP command set (PS3.7 table 9.3-2)."""
    body = b"".join(
        (
            _element(_CLASS, _padded(request.sop_class_uid)),
            _element(_FIELD, struct.pack("<H", _C_STORE_RSP)),
            _element(_RESPONDED, struct.pack("<H", request.message_id)),
            _element(_TYPE, struct.pack("<H", NO_DATA_SET)),
            _element(_STATUS, struct.pack("<H", answer.status)),
            _comment(answer),
            _element(_INSTANCE, _padded(request.sop_instance_uid)),
        )
    )
    return _element(0x0000, struct.pack("<L", len(body))) + body


def encode_pdata(context_id: int, command: bytes, maximum_pdu_bytes: int) -> bytes:
    """Wrap a command set into as many P-DATA-TF PDUs as the peer's limit asks for (PS3.8 section 9.3.5)."""
    room = max(maximum_pdu_bytes - 6, 1) if maximum_pdu_bytes else len(command)
    pdus = []
    for start in range(0, len(command), room):
        part = command[start : start + room]
        control = 0x03 if start + room >= len(command) else 0x01  # command, last fragment
        pdus.append(struct.pack(">BBLLBB", 4, 0, len(part) + 6, len(part) + 2, context_id, control) + part)
    return b"".join(pdus)


def _elements(command: bytes) -> dict[int, bytes]:
    """Split a command set by element number."""
    found: dict[int, bytes] = {}
    position = 0
    while position < len(command):
        if position + 8 > len(command):
            raise ValueError("the command set ends inside an element")
        group, number, length = struct.unpack_from("<HHL", command, position)
        position += 8
        if group != 0 or position + length > len(command):
            raise ValueError("not a command set")
        found[number] = command[position : position + length]
        position += length
    return found


def _short(elements: dict[int, bytes], number: int) -> int:
    value = elements.get(number, b"")
    if len(value) != 2:
        raise ValueError(f"command element {number:04X} is missing or not two bytes")
    return int.from_bytes(value, "little")


def _uid(elements: dict[int, bytes], number: int) -> str:
    return elements.get(number, b"").decode("ascii", "replace").rstrip("\0 ")


def _comment(answer: Answer) -> bytes:
    if answer.status is Status.SUCCESS or not answer.comment:
        return b""
    return _element(_COMMENT, _padded(answer.comment, b" "))


def _padded(text: str, pad: bytes = b"\0") -> bytes:
    value = text.encode("ascii", "replace")
    return value + pad if len(value) % 2 else value


def _element(number: int, value: bytes) -> bytes:
    return struct.pack("<HHL", 0, number, len(value)) + value
