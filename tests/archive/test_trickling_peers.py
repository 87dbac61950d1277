"""Peers that never finish a PDU, or read none: each costs a caller its time limit, and nobody waits for ever."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelMove,
)

from node.archive import cmove
from node.archive.endpoint import DimseEndpoint, MoveTo
from node.archive.questions import identities_of_study
from node.deliver.receipt import Outgoing, State
from node.deliver.send import deliver
from node.errors import WorldUnavailable
from node.settings import Destination
from tests.conftest import free_port
from tests.receive.test_attacks import association_request, pdata, store_command

LIMIT_S = 1.0
BOUND_S = 10.0  # for what has a limit of a second or two; the machine may be busy
ACCEPTANCE, DATA = 2, 4  # PDU types


class Between:
    """Carries what two peers say to each other, and spoils the PDUs of one kind that the called one sends."""

    def __init__(self, port: int, spoil: Callable[[socket.socket, bytes], None], kind: int) -> None:
        self._port, self._spoil, self._kind = port, spoil, kind
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._listening.accept()
                called = socket.create_connection(("127.0.0.1", self._port))
                threading.Thread(target=self._carry, args=(caller, called, False), daemon=True).start()
                threading.Thread(target=self._carry, args=(called, caller, True), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, spoils: bool) -> None:
        with suppress(OSError, struct.error), source, target:
            while True:
                header = source.recv(6, socket.MSG_WAITALL)
                pdu = header + source.recv(struct.unpack(">BBL", header)[2], socket.MSG_WAITALL)
                if spoils and pdu[0] == self._kind:
                    self._spoil(target, pdu)
                target.sendall(pdu)


def trickle(target: socket.socket, pdu: bytes) -> None:
    for byte in pdu[:-1]:
        target.sendall(bytes((byte,)))
        time.sleep(0.3)  # never silent for the time limit
    time.sleep(60)


def stall(target: socket.socket, pdu: bytes) -> None:
    target.sendall(pdu[:-1])
    time.sleep(60)


@pytest.fixture
def peer() -> Iterator[int]:
    """A peer that finds every study and stores everything; its port."""
    entity = AE(ae_title="PEER")
    entity.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
    entity.add_supported_context(CTImageStorage)
    answers = [(evt.EVT_C_FIND, lambda event: iter([(0xFF00, event.identifier)])), (evt.EVT_C_STORE, lambda _: 0)]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=answers)
    yield server.server_address[1]
    server.shutdown()


@pytest.fixture
def spoilt(peer: int) -> Iterator[Callable[..., int]]:
    made = []

    def start(spoil: Callable[[socket.socket, bytes], None], kind: int) -> int:
        made.append(Between(peer, spoil, kind))
        return made[-1].port

    yield start
    for one in made:
        one.close()


def in_time(ask: Callable[[], object]) -> object:
    """Return what a call returns or raises, in a thread of its own: one that never ends must not hold the tests."""
    said: list[object] = []

    def run() -> None:
        try:
            said.append(ask())
        except WorldUnavailable as error:
            said.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(BOUND_S)
    assert said, f"no end within {BOUND_S:.0f} s"
    return said[0]


@pytest.mark.parametrize("kind", [ACCEPTANCE, DATA], ids=["acceptance", "answer"])
@pytest.mark.parametrize("spoil", [trickle, stall])
def test_a_search_has_an_end(spoilt, spoil, kind: int) -> None:
    endpoint = DimseEndpoint("PEER", "127.0.0.1", spoilt(spoil, kind), "US", LIMIT_S)
    said = in_time(lambda: identities_of_study(endpoint, "1.2.3"))
    assert isinstance(said, WorldUnavailable)
    assert said.code == "ARCHIVE-DOWN"


def image(path: Path, n_bytes: int) -> Outgoing:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.add_new(0x00091010, "OB", bytes(n_bytes))
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.save_as(path, enforce_file_format=True)
    return Outgoing("CT", path, CTImageStorage, ds.SOPInstanceUID, ds.SeriesInstanceUID, ds.StudyInstanceUID)


def destination(port: int) -> Destination:
    known = {"name": "d", "kind": "cstore", "ae_title": "PEER", "host": "127.0.0.1", "port": port}
    return Destination.model_validate(known | {"timeout_s": LIMIT_S})


@pytest.mark.parametrize("spoil", [trickle, stall])
def test_a_delivery_has_an_end(spoilt, spoil, tmp_path: Path) -> None:
    there = destination(spoilt(spoil, DATA))
    (receipt,) = in_time(lambda: deliver([image(tmp_path / "ct.dcm", 100)], there, calling="US"))
    assert receipt.state is State.RETRYABLE


def test_a_delivery_to_a_peer_that_reads_nothing_has_an_end(tmp_path: Path) -> None:
    """It accepts the association, and lets what comes then stand in its socket."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        entity = AE(ae_title="PEER")
        entity.add_supported_context(CTImageStorage)
        server = entity.start_server(("127.0.0.1", 0), block=False)

        def accept_and_fall_asleep() -> None:
            caller, _ = listening.accept()
            with caller, socket.create_connection(server.server_address) as called:
                called.sendall(caller.recv(65536))
                caller.sendall(called.recv(65536))
                time.sleep(60)

        threading.Thread(target=accept_and_fall_asleep, daemon=True).start()
        sent = [image(tmp_path / "ct.dcm", 32 << 20)]
        (receipt,) = in_time(lambda: deliver(sent, destination(listening.getsockname()[1]), calling="US"))
        assert receipt.state is State.RETRYABLE
        server.shutdown()


def test_a_move_leaves_no_association_behind_that_trickles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cmove, "_SILENT_AT_MOST_S", LIMIT_S)
    to, trickling = MoveTo("US-MOVE", "127.0.0.1", free_port()), threading.Event()
    closed = threading.Event()

    def store() -> None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", to.port)) as connection:
            request = association_request(CTImageStorage, ExplicitVRLittleEndian, calling="PEER")
            connection.sendall(request.replace(b"LUNGNODE".ljust(16), to.ae_title.encode().ljust(16)))
            connection.recv(65536)
            connection.sendall(pdata(store_command(), 3))
            trickling.set()
            for byte in pdata(bytes(1000), 0):
                connection.sendall(bytes((byte,)))
                time.sleep(0.1)
        closed.set()

    def move(_event: evt.Event) -> Iterator[object]:
        threading.Thread(target=store, daemon=True).start()
        assert trickling.wait(BOUND_S)
        yield None, None  # no such destination

    entity = AE(ae_title="PEER")
    entity.add_supported_context(StudyRootQueryRetrieveInformationModelMove)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_MOVE, move)])
    endpoint = DimseEndpoint("PEER", "127.0.0.1", server.server_address[1], "US", 5.0, to)
    said = in_time(lambda: cmove.move_series(endpoint, "1.2", "1.2.3", tmp_path / "prior"))
    assert isinstance(said, WorldUnavailable)
    assert closed.wait(BOUND_S)
    server.shutdown()
