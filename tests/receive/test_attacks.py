"""Peers that mean harm or fall over: each costs one association for a bounded time and nothing else."""

import os
import signal
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pynetdicom import AE

from tests.receive.conftest import CT, Running, dcmtk, write_series

TIMEOUTS = {"acse_timeout_s": 1.0, "dimse_timeout_s": 1.0, "network_timeout_s": 1.0}
BOUND_S = 8.0  # for something that is allowed one second; the machine may be busy

P_DATA = 4


@pytest.fixture
def impatient(start: Callable[..., Running]) -> Running:
    """A receiver with timeouts of a second, and room for one association."""
    return start(maximum_associations=1, **TIMEOUTS)


@pytest.fixture
def caller(impatient: Running) -> Iterator[socket.socket]:
    """A connection without an association."""
    with socket.create_connection(("127.0.0.1", impatient.port), timeout=BOUND_S) as connection:
        yield connection


@pytest.fixture
def established(impatient: Running) -> Iterator[socket.socket]:
    """A bare socket with an established association for CT in explicit little endian, context 1."""
    with associated(impatient.port) as connection:
        yield connection


def associated(port: int) -> socket.socket:
    """Associate by hand: the bytes are those of PS3.8 section 9.3.2."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=BOUND_S)
    connection.sendall(association_request(CT, "1.2.840.10008.1.2.1"))
    kind, _, length = struct.unpack(">BBL", receive_exactly(connection, 6))
    receive_exactly(connection, length)
    assert kind == 2, "the association was not accepted"
    return connection


def association_request(abstract_syntax: str, transfer_syntax: str, calling: str = "TESTER") -> bytes:
    """Encode an A-ASSOCIATE-RQ."""

    def item(kind: int, value: bytes) -> bytes:
        return struct.pack(">BBH", kind, 0, len(value)) + value

    context = item(0x20, b"\x01\0\0\0" + item(0x30, abstract_syntax.encode()) + item(0x40, transfer_syntax.encode()))
    user = item(0x50, item(0x51, struct.pack(">L", 16384)) + item(0x52, b"1.2.3") + item(0x55, b"TEST"))
    body = struct.pack(">HH16s16s32x", 1, 0, b"LUNGNODE".ljust(16), calling.encode().ljust(16))
    body += item(0x10, b"1.2.840.10008.3.1.1.1") + context + user
    return struct.pack(">BBL", 1, 0, len(body)) + body


@pytest.mark.parametrize("padding", [b"\0", b" \0", b" "])
def test_a_caller_that_pads_its_titles_with_nul_is_served(receiver: Running, padding: bytes) -> None:
    request = association_request(CT, "1.2.840.10008.1.2.1")
    request = request.replace(b"TESTER".ljust(16), (b"TESTER" + padding).ljust(16, padding[-1:]))
    request = request.replace(b"LUNGNODE".ljust(16), (b"LUNGNODE" + padding).ljust(16, padding[-1:]))
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=BOUND_S) as connection:
        connection.sendall(request)
        assert receive_exactly(connection, 1) == b"\x02"
    assert receiver.journal("opened")[0]["calling"] == "TESTER"


def test_a_request_that_cannot_be_decoded_is_logged_with_both_titles(receiver: Running) -> None:
    request = association_request(CT, "1.2.840.10008.1.2.1").replace(b"TESTER", b"T\xffSTER")
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=BOUND_S) as connection:
        connection.sendall(request)
        assert closed_within(connection, BOUND_S)
    (line,) = receiver.log("receive.protocol_broken")
    assert "calling b'T\\xffSTER          ', called b'LUNGNODE        '" in line["reason"]


def store_command(sop_instance: str = "1.2.3", *, data_set: bool = True) -> bytes:
    """Encode a C-STORE-RQ command set."""

    def element(number: int, value: bytes) -> bytes:
        value += b"\0" * (len(value) % 2)
        return struct.pack("<HHL", 0, number, len(value)) + value

    body = element(0x0002, CT.encode()) + element(0x0100, b"\x01\0") + element(0x0110, b"\x07\0")
    body += element(0x0700, b"\0\0") + element(0x0800, b"\0\0" if data_set else b"\x01\x01")
    body += element(0x1000, sop_instance.encode())
    return element(0, struct.pack("<L", len(body))) + body


def pdata(payload: bytes, control: int, context: int = 1) -> bytes:
    """Wrap one fragment into a P-DATA-TF PDU."""
    return struct.pack(">BBLLBB", P_DATA, 0, len(payload) + 6, len(payload) + 2, context, control) + payload


def receive_exactly(connection: socket.socket, n_bytes: int) -> bytes:
    """Read `n_bytes`; fail where the connection ends before."""
    data = b""
    while len(data) < n_bytes:
        part = connection.recv(n_bytes - len(data))
        assert part, "the connection was closed"
        data += part
    return data


def closed_within(connection: socket.socket, seconds: float) -> bool:
    """Wait until the receiver closes the connection; what it sends before (an A-ABORT) is read."""
    connection.settimeout(seconds)
    try:
        while connection.recv(4096):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def is_served(port: int, within_s: float = BOUND_S) -> bool:
    """Tell whether an honest peer gets an association and an answer before long."""
    ae = AE(ae_title="TESTER")
    ae.add_requested_context("1.2.840.10008.1.1")
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        association = ae.associate("127.0.0.1", port, ae_title="LUNGNODE")
        if association.is_established:
            status = association.send_c_echo()
            association.release()
            return "Status" in status and status.Status == 0
        time.sleep(0.1)  # a bounded poll: the slot is to become free
    return False


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(os.urandom(200), id="random bytes"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", id="an HTTP request"),
        pytest.param(struct.pack(">BBL", 1, 0, 2 << 30), id="an association request of 2 GiB"),
        pytest.param(struct.pack(">BBL", 4, 0, 2 << 30), id="data of 2 GiB before an association"),
        pytest.param(struct.pack(">BBL", 1, 0, 68) + bytes(68), id="an empty association request"),
    ],
)
def test_garbage_instead_of_an_association_is_closed_and_harms_nobody(
    impatient: Running, caller: socket.socket, garbage: bytes
) -> None:
    caller.sendall(garbage)
    assert closed_within(caller, BOUND_S)
    assert is_served(impatient.port)


def test_a_silent_connection_is_closed_at_the_acse_timeout(impatient: Running, caller: socket.socket) -> None:
    assert closed_within(caller, BOUND_S)


def test_silent_connections_take_no_association_from_an_honest_peer(impatient: Running) -> None:
    silent = [socket.create_connection(("127.0.0.1", impatient.port)) for _ in range(20)]
    try:
        assert is_served(impatient.port, within_s=BOUND_S)
    finally:
        for one in silent:
            one.close()


def test_a_pdu_of_2_gib_followed_by_silence_frees_its_association(
    impatient: Running, established: socket.socket
) -> None:
    established.sendall(struct.pack(">BBL", P_DATA, 0, 2 << 30))
    assert closed_within(established, BOUND_S)
    assert is_served(impatient.port)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(struct.pack(">BB", P_DATA, 0), id="inside a PDU header"),
        pytest.param(pdata(store_command(), 3)[:9], id="inside a fragment header"),
        pytest.param(pdata(store_command(), 3)[:40], id="inside a command"),
        pytest.param(pdata(store_command(), 3), id="between command and data set"),
        pytest.param(pdata(store_command(), 3) + pdata(bytes(10_000), 0)[:5000], id="inside a data set"),
    ],
)
def test_a_peer_that_stalls_is_aborted_at_the_network_timeout(
    impatient: Running, established: socket.socket, sent: bytes
) -> None:
    established.sendall(sent)
    assert closed_within(established, BOUND_S)
    assert is_served(impatient.port)
    assert impatient.temporary() == []


def test_a_peer_that_trickles_one_byte_at_a_time_is_aborted(impatient: Running, established: socket.socket) -> None:
    established.sendall(pdata(store_command(), 3))
    began = time.monotonic()
    try:
        for byte in pdata(bytes(1000), 0):
            established.sendall(bytes((byte,)))
            time.sleep(0.05)  # the trickle is the subject: 20 bytes a second are never silent for the network timeout
    except ConnectionError:
        pass
    assert time.monotonic() - began < BOUND_S
    assert is_served(impatient.port)


def test_a_message_for_another_service_may_not_trickle_in_whole_pdus(
    impatient: Running, established: socket.socket
) -> None:
    find = store_command().replace(
        struct.pack("<HHLH", 0, 0x0100, 2, 0x0001), struct.pack("<HHLH", 0, 0x0100, 2, 0x0020)
    )
    established.sendall(pdata(find, 3))
    began = time.monotonic()
    try:
        while time.monotonic() - began < BOUND_S:
            established.sendall(pdata(b"\0", 0))  # one more byte of its data set, never the last one
            time.sleep(0.05)
    except ConnectionError:
        pass
    assert time.monotonic() - began < BOUND_S
    assert is_served(impatient.port)


def test_a_request_for_an_association_may_not_trickle(impatient: Running, caller: socket.socket) -> None:
    began = time.monotonic()
    try:
        for byte in association_request(CT, "1.2.840.10008.1.2.1"):
            caller.sendall(bytes((byte,)))
            time.sleep(0.05)
    except ConnectionError:
        pass
    assert time.monotonic() - began < BOUND_S
    assert is_served(impatient.port)


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_peer_that_hangs_up_in_the_middle_of_a_store_leaves_nothing(impatient: Running, how: str) -> None:
    with associated(impatient.port) as connection:
        connection.sendall(pdata(store_command(), 3) + pdata(bytes(100_000), 0))
        if how == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert is_served(impatient.port)
    assert (impatient.temporary(), impatient.kept()) == ([], [])
    assert impatient.journal("aborted")


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(struct.pack(">BBL", 9, 0, 4) + bytes(4), id="an unknown PDU type"),
        pytest.param(struct.pack(">BBLLBB", P_DATA, 0, 20, 400, 1, 3) + bytes(14), id="a fragment larger than its PDU"),
        pytest.param(struct.pack(">BBLLBB", P_DATA, 0, 6, 1, 1, 3), id="a fragment of one byte"),
        pytest.param(pdata(os.urandom(64), 3), id="a command of noise"),
        pytest.param(pdata(bytes(70_000), 1), id="a command of 70 kB"),
        pytest.param(pdata(store_command(), 3, context=99), id="a context that was not accepted"),
        pytest.param(pdata(b"data", 2), id="a data set without a command"),
        pytest.param(pdata(store_command(), 3) + pdata(store_command(), 3), id="a command inside a data set"),
    ],
)
def test_a_peer_that_breaks_the_protocol_is_aborted_at_once(
    impatient: Running, established: socket.socket, broken: bytes
) -> None:
    established.sendall(broken)
    assert receive_exactly(established, 1) == b"\x07", "an A-ABORT"
    assert is_served(impatient.port)
    assert impatient.log("receive.protocol_broken")


def test_300_mb_behind_a_header_that_announced_2_gib_take_no_memory(
    impatient: Running, established: socket.socket
) -> None:
    before = _rss_bytes(impatient)
    established.sendall(struct.pack(">BBL", P_DATA, 0, 2 << 30))
    try:
        for _ in range(300):
            established.sendall(bytes(1 << 20))
    except ConnectionError:
        pass
    assert is_served(impatient.port)
    assert _rss_bytes(impatient) - before < 20 << 20


def test_a_dcmtk_sender_killed_in_the_middle_harms_nobody(impatient: Running, tmp_path: Path) -> None:
    sent = write_series(tmp_path / "in", 50)
    sender = subprocess.Popen(
        ["/usr/bin/storescu", "-aec", "LUNGNODE", "127.0.0.1", str(impatient.port), *map(str, sent)]
    )
    deadline = time.monotonic() + BOUND_S
    while not impatient.kept() and time.monotonic() < deadline:
        time.sleep(0.005)  # a bounded poll: the first instance has come
    sender.send_signal(signal.SIGKILL)
    sender.wait()
    assert is_served(impatient.port)


def test_an_association_beyond_the_maximum_is_refused_for_now_and_the_line_names_the_setting(
    impatient: Running, established: socket.socket
) -> None:
    done = dcmtk("echoscu", "-aec", "LUNGNODE", "127.0.0.1", impatient.port, check=False)
    assert "Local Limit Exceeded" in done.stdout + done.stderr
    (line,) = impatient.log("receive.association_refused")
    assert "receive.maximum_associations" in str(line["setting"])


def test_a_silent_peer_does_not_stop_a_tls_port_from_accepting(
    start: Callable[..., Running], tls_files: dict[str, str]
) -> None:
    receiver = start(tls_port=0, acse_timeout_s=5.0, **tls_files["server"])
    context = ssl.create_default_context(cafile=tls_files["authority"])
    context.load_cert_chain(tls_files["client_certificate"], tls_files["client_key"])
    address = ("127.0.0.1", receiver.tls_port)
    with (
        socket.create_connection(address),
        socket.create_connection(address, timeout=4.0) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as connection,
    ):
        assert connection.version() in {"TLSv1.2", "TLSv1.3"}


def _rss_bytes(receiver: Running) -> int:
    status = Path(f"/proc/{receiver.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024
