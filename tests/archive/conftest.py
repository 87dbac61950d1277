"""A web server that answers as a script says, and an Orthanc of this room's own."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from node.archive.endpoint import DimseEndpoint, WebEndpoint
from node.facts.folder import read_folder


@dataclass
class Scripted:
    """The server's answers, in order (the last one stays), and the requests that it saw."""

    url: str
    answers: list[tuple[int, dict[str, str], bytes]]
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    """Start servers: `scripted((503, {"Retry-After": "7"}, b""))`."""
    servers: list[ThreadingHTTPServer] = []

    def start(*answers: tuple[int, dict[str, str], bytes]) -> Scripted:
        script = Scripted("", list(answers))
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(script))
        script.url = f"http://127.0.0.1:{server.server_address[1]}/dicom-web"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return script

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _handler(script: Scripted) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            script.requests.append((self.path, dict(self.headers)))
            status, headers, body = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *_):
            """Say nothing."""

    return Handler


@pytest.fixture
def web() -> Callable[..., WebEndpoint]:
    """Build an endpoint for an address."""
    return lambda url, **changes: WebEndpoint(**({"url": url, "timeout_s": 20.0} | changes))


@dataclass(frozen=True)
class Holding:
    """An Orthanc that holds one real series, and the ways to ask it."""

    web: WebEndpoint
    dimse: DimseEndpoint
    study_uid: str
    series_uid: str
    sop_uids: tuple[str, ...]
    files: tuple[bytes, ...]


@pytest.fixture(scope="session")
def holding(start_orthanc, data_dir) -> Holding:
    """Orthanc with the 30 slices of one CT in JPEG-LS, and one slice of another study."""
    server = start_orthanc()
    (series,) = read_folder(data_dir / "ct" / "lung-dx-a0002-b40f").series
    for file in series.files:
        server.upload(file.path)
    server.upload(data_dir / "ct" / "lung-dx-a0001-b" / "0001.dcm")
    return Holding(
        web=WebEndpoint(server.dicomweb_url, 20.0, username=server.username, password=SecretStr(server.password)),
        dimse=DimseEndpoint(server.ae_title, "127.0.0.1", server.dicom_port, "LUNGNODE", 20.0),
        study_uid=series.study_instance_uid,
        series_uid=series.series_instance_uid,
        sop_uids=tuple(file.facts.sop_instance_uid for file in series.files),
        files=tuple(file.path.read_bytes() for file in series.files),
    )
