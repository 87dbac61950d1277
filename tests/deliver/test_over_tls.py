"""Delivery over TLS to a real Orthanc whose certificate a self-made authority signed: https and DIMSE, both ways."""

import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from node.deliver.confirm import confirm
from node.deliver.receipt import Outgoing, State
from node.deliver.send import deliver
from node.settings import Destination
from tests.conftest import OrthancServer, running_orthanc

pytestmark = pytest.mark.orthanc


def openssl(*arguments: object) -> None:
    subprocess.run(["/usr/bin/openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities; a server's and a node's certificate by the first, an intruder's by the second."""
    folder = tmp_path_factory.mktemp("authority")
    key = ("-newkey", "rsa:2048", "-nodes")
    for authority in ("ca", "stranger"):
        openssl("req", "-x509", *key, "-days", 2, "-subj", f"/CN={authority}", "-keyout", folder / f"{authority}.key",
                "-out", folder / f"{authority}.pem")  # fmt: skip
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name, authority in (("server", "ca"), ("node", "ca"), ("intruder", "stranger")):
        openssl("req", *key, "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr")
        openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / f"{authority}.pem", "-CAkey",
                folder / f"{authority}.key", "-CAcreateserial", "-days", 2, "-extfile", folder / "names", "-out",
                folder / f"{name}.pem")  # fmt: skip
    both = folder / "server-both.pem"
    both.write_text((folder / "server.key").read_text() + (folder / "server.pem").read_text())
    return folder


@dataclass(frozen=True)
class Secure:
    """A real Orthanc, and the address of a proxy before it that speaks https, as sites have it."""

    orthanc: OrthancServer
    https_url: str


@pytest.fixture(scope="module")
def secure(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    """DIMSE by Orthanc's own TLS, which asks for our certificate; https by a proxy: Debian's 1.10 dies of its own."""
    overrides = {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(files / "server.pem"),
        "DicomTlsPrivateKey": str(files / "server.key"),
        "DicomTlsTrustedCertificates": str(files / "ca.pem"),
        "DicomTlsRemoteCertificateRequired": True,
        "DicomAlwaysAllowStore": True,
    }
    with (
        running_orthanc(tmp_path_factory.mktemp("secure"), overrides) as server,
        proxy(files, server.http_port) as port,
    ):
        yield Secure(server, f"https://localhost:{port}")


@contextmanager
def proxy(files: Path, to_port: int) -> Iterator[int]:
    """Take TLS off and pass the bytes on; every connection has its own two threads."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "server.pem", files / "server.key")

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with (
                suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as outside,
                socket.create_connection(("127.0.0.1", to_port)) as inside,
            ):
                back = threading.Thread(target=pump, args=(inside, outside), daemon=True)
                back.start()
                pump(outside, inside)
                back.join(30)

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while some := source.recv(65536):
                target.sendall(some)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def destination(secure: Secure, files: Path, kind: str, **more: object) -> Destination:
    server = secure.orthanc
    ways = {
        "stow": {"url": f"{secure.https_url}/dicom-web", "username": server.username, "password": server.password},
        "orthanc": {"url": secure.https_url, "username": server.username, "password": server.password},
        "cstore": {
            "ae_title": server.ae_title,
            "host": "localhost",
            "port": server.dicom_port,
            "tls": True,
            "tls_certificate": str(files / "node.pem"),
            "tls_key": str(files / "node.key"),
        },
    }
    return Destination.model_validate(
        {"name": "secure", "kind": kind, "tls_ca": str(files / "ca.pem"), "timeout_s": 30} | ways[kind] | more
    )


def held(secure: Secure, files: Path, kind: str, objects: Sequence[Outgoing]) -> frozenset[str] | None:
    """Ask for the objects by https; C-FIND over TLS is not offered."""
    there = destination(secure, files, "orthanc" if kind == "cstore" else kind)
    return confirm(objects, there, calling="NODE")


@pytest.mark.parametrize("kind", ["stow", "orthanc", "cstore"])
def test_objects_arrive_and_are_asked_back_over_tls(secure, files, objects, kind: str) -> None:
    there = destination(secure, files, kind)
    assert [r.state for r in deliver(objects, there, calling="NODE")] == [State.STORED] * 2
    assert held(secure, files, kind, objects) == frozenset(o.sop_instance_uid for o in objects)


@pytest.mark.parametrize("kind", ["stow", "orthanc", "cstore"])
def test_a_destination_whose_authority_is_not_ours_gets_nothing(secure, files, objects, kind: str) -> None:
    there = destination(secure, files, kind, tls_ca=str(files / "stranger.pem"))
    assert [r.state for r in deliver(objects, there, calling="NODE")] == [State.RETRYABLE] * 2
    assert held(secure, files, kind, objects) == frozenset()


def test_a_node_with_a_strangers_certificate_is_not_let_in(secure, files, objects) -> None:
    stranger = {"tls_certificate": str(files / "intruder.pem"), "tls_key": str(files / "intruder.key")}
    receipts = deliver(objects, destination(secure, files, "cstore", **stranger), calling="NODE")
    assert [r.state for r in receipts] == [State.RETRYABLE] * 2
    assert held(secure, files, "cstore", objects) == frozenset()
