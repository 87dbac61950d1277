"""Memory stays flat, whatever the size of an object."""

import socket
import struct
from pathlib import Path

import pytest

from node.store.part10 import read_meta
from tests.receive.conftest import Running
from tests.receive.test_attacks import associated, pdata, receive_exactly, store_command

SOP = "1.2.3.9"
BLOCK = 131_000


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    """Encode a short explicit element."""
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def header(n_frames: int) -> bytes:
    """Encode the header of an object with frames of 512 x 512 x 16 bit, up to its pixels."""
    short = struct.Struct("<H").pack
    return b"".join(
        (
            element(0x00080016, b"UI", b"1.2.840.10008.5.1.4.1.1.2"), element(0x00080018, b"UI", SOP.encode()),
            element(0x0020000D, b"UI", b"1.2.3"), element(0x0020000E, b"UI", b"1.2.3.4"),
            element(0x00280002, b"US", short(1)), element(0x00280004, b"CS", b"MONOCHROME2"),
            element(0x00280008, b"IS", str(n_frames).encode()), element(0x00280010, b"US", short(512)),
            element(0x00280011, b"US", short(512)), element(0x00280100, b"US", short(16)),
            struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OW", 0, n_frames * 512 * 512 * 2),
        )
    )  # fmt: skip


def send_large(connection: socket.socket, n_frames: int) -> int:
    """Send an object frame by frame, and return its status."""
    connection.sendall(pdata(store_command(SOP), 3) + pdata(header(n_frames), 0))
    left = n_frames * 512 * 512 * 2
    block = bytes(BLOCK)
    while left:
        size = min(left, BLOCK)
        left -= size
        connection.sendall(pdata(block[:size], 0 if left else 2))
    connection.settimeout(120)
    answer = receive_exactly(connection, 6)
    response = receive_exactly(connection, int.from_bytes(answer[2:], "big"))
    place = response.index(b"\0\0\0\x09\x02\0\0\0") + 8
    return int.from_bytes(response[place : place + 2], "little")


def largest_bytes(receiver: Running) -> int:
    """The receiver's largest memory so far."""
    status = Path(f"/proc/{receiver.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@pytest.mark.parametrize(
    "n_frames", [pytest.param(200, id="100 MB"), pytest.param(4000, id="2 GB", marks=pytest.mark.slow)]
)
@pytest.mark.timeout(900)
def test_a_large_object_is_kept_and_takes_no_memory(receiver: Running, n_frames: int) -> None:
    before = largest_bytes(receiver)
    with associated(receiver.port) as connection:
        assert send_large(connection, n_frames) == 0x0000
    (path,) = receiver.kept()
    meta = read_meta(path)
    assert path.stat().st_size == meta.data_set_offset + len(header(n_frames)) + n_frames * 512 * 512 * 2
    assert largest_bytes(receiver) - before < 24 << 20
