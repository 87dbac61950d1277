"""Small objects to send, a scripted HTTP server and pynetdicom peers that answer what a test wants."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import StorageCommitmentPushModel, Verification

from node.deliver.receipt import Outgoing
from node.settings import Destination

SEG = "1.2.840.10008.5.1.4.1.1.66.4"
SR = "1.2.840.10008.5.1.4.1.1.88.34"


@dataclass(frozen=True)
class Answer:
    """One scripted answer; None as code drops the connection."""

    code: int | None
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Scripted:
    """A real HTTP server that gives the next scripted answer to each request, and remembers the requests."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    request_headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    state = Scripted("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            state.paths.append(self.path)
            state.request_headers.append(dict(self.headers))
            state.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self._answer()

        def do_GET(self) -> None:
            state.paths.append(self.path)
            self._answer()

        def _answer(self) -> None:
            answer = state.answers.pop(0)
            if answer.code is None:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self.send_response(answer.code)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield state
    server.shutdown()
    server.server_close()


def stow_answer(code: int, *, stored: tuple[str, ...] = (), failed: dict[str, int] | None = None) -> Answer:
    """Build a STOW-RS answer in DICOM JSON."""
    body: dict[str, object] = {}
    if stored:
        body["00081199"] = {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": [u]}} for u in stored]}
    if failed:
        body["00081198"] = {
            "vr": "SQ",
            "Value": [
                {"00081155": {"vr": "UI", "Value": [u]}, "00081197": {"vr": "US", "Value": [reason]}}
                for u, reason in failed.items()
            ],
        }
    return Answer(code, json.dumps(body).encode(), (("Content-Type", "application/dicom+json"),))


@pytest.fixture
def answer_of() -> Callable[..., Answer]:
    """Builds STOW-RS answers."""
    return stow_answer


@pytest.fixture
def plain_answer() -> type[Answer]:
    """Builds any other answer."""
    return Answer


@pytest.fixture
def objects(tmp_path: Path) -> tuple[Outgoing, ...]:
    """A SEG and an SR that are valid enough to be stored."""
    study = generate_uid()
    made = []
    for kind, sop_class in (("SEG", SEG), ("SR", SR)):
        ds = Dataset()
        ds.SOPClassUID, ds.SOPInstanceUID = sop_class, generate_uid()
        ds.StudyInstanceUID, ds.SeriesInstanceUID = study, generate_uid()
        ds.PatientID, ds.PatientName, ds.Modality = "P1", "Marker^Patient", kind
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = tmp_path / f"{kind}.dcm"
        ds.save_as(path, enforce_file_format=True)
        made.append(Outgoing(kind, path, sop_class, ds.SOPInstanceUID, ds.SeriesInstanceUID, study))
    return tuple(made)


@dataclass
class Peer:
    """A pynetdicom storage SCP on a free port."""

    port: int
    received: list[bytes] = field(default_factory=list)
    committing: list[Dataset] = field(default_factory=list)

    def destination(self, **more: object) -> Destination:
        known: dict[str, object] = {
            "name": "peer", "kind": "cstore", "ae_title": "PEER", "host": "127.0.0.1", "port": self.port,
            "confirm": "none", "timeout_s": 5.0,
        }  # fmt: skip
        return Destination.model_validate(known | more)


@pytest.fixture
def start_peer() -> Iterator[Callable[..., Peer]]:
    """Start peers: `start_peer(answers=[0xA700], classes=(SEG,), on_store=..., on_action=...)`."""
    servers = []

    def start(
        *,
        answers: list[int] | None = None,
        classes: tuple[str, ...] = (SEG, SR),
        syntax: str = ExplicitVRLittleEndian,
        most_associations: int = 10,
        on_store: Callable[[evt.Event], None] = lambda _: None,
        on_action: Callable[[evt.Event], int] | None = None,
    ) -> Peer:
        peer = Peer(0)

        def store(event: evt.Event) -> int:
            on_store(event)
            peer.received.append(event.request.DataSet.getvalue())
            return answers.pop(0) if answers else 0x0000

        def action(event: evt.Event) -> tuple[int, None]:
            peer.committing.append(event.action_information)
            return (on_action(event) if on_action else 0x0000), None

        entity = AE(ae_title="PEER")
        entity.network_timeout = entity.dimse_timeout = 10
        entity.maximum_associations = most_associations
        entity.add_supported_context(Verification)
        for sop_class in classes:
            entity.add_supported_context(sop_class, syntax)
        if on_action is not None:
            entity.add_supported_context(StorageCommitmentPushModel, scu_role=True, scp_role=True)
        handlers = [(evt.EVT_C_STORE, store), (evt.EVT_N_ACTION, action)]
        server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        servers.append(server)
        peer.port = server.server_address[1]
        return peer

    yield start
    for server in servers:
        server.shutdown()


@pytest.fixture
def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def silent_server() -> Iterator[int]:
    """Listen, accept nothing, say nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with silent_server() as port:
        yield port
