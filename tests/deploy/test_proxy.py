"""The nginx example, run as it stands but for ports, folders and certificates."""

import os
import re
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from node.harness.orthanc import OrthancSite, running_orthanc
from node.harness.ports import free_port, listens
from node.harness.process import child
from node.phantom.study import StudyPlan, write_study

pytestmark = pytest.mark.orthanc
EXAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "proxy" / "nginx.conf"


@pytest.fixture
def viewer(tmp_path: Path) -> Path:
    """A stand-in for the viewer's files."""
    folder = tmp_path / "viewer"
    folder.mkdir()
    (folder / "index.html").write_text("the viewer's page")
    (folder / "part.wasm").write_bytes(b"\0asm")
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Iterator[OrthancSite]:
    with running_orthanc(OrthancSite(tmp_path / "orthanc"), free_port(), overrides={"StableAge": 1}) as site:
        yield site


class StatusPage(BaseHTTPRequestHandler):
    """Says what it was asked for and below which prefix."""

    def do_GET(self) -> None:
        body = f"{self.path} below {self.headers['X-Forwarded-Prefix']}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def status_port() -> Iterator[int]:
    """A stand-in for the node's status page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), StatusPage)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def proxy(tmp_path: Path, viewer: Path, site: OrthancSite, status_port: int) -> Iterator[str]:
    """nginx with the example, without TLS and people's login; its address."""
    port = free_port()
    text = EXAMPLE.read_text()
    text = re.sub(r"^\s*(ssl_|auth_basic|server_name).*\n", "", text, flags=re.MULTILINE)
    (tmp_path / "login.conf").write_text(f'proxy_set_header Authorization "{site.authorization}";\n')
    for old, new in {
        "listen 443 ssl": f"listen 127.0.0.1:{port}",
        "127.0.0.1:8042": f"127.0.0.1:{site.http_port}",
        "127.0.0.1:8080": f"127.0.0.1:{status_port}",
        "/opt/lungnode/viewer": str(viewer),
        "/etc/nginx/lungnode-orthanc.conf": str(tmp_path / "login.conf"),
    }.items():
        assert old in text
        text = text.replace(old, new)
    temporary = "".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
    who = "user root;" if os.getuid() == 0 else ""  # else the workers may not read the test's folder
    main = f"{who} daemon off; pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; "
    body = f"client_body_temp_path {tmp_path}/body; {temporary} {text} }}"
    (tmp_path / "nginx.conf").write_text(main + body)
    command = ["/usr/sbin/nginx", "-e", "stderr", "-p", tmp_path, "-c", tmp_path / "nginx.conf"]
    with child(command, log=tmp_path / "nginx.log", ready=lambda: listens(port)):
        yield f"http://127.0.0.1:{port}"


def fetch(url: str) -> tuple[int, str, bytes]:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.status, answer.headers["Content-Type"], answer.read()


def test_viewer_dicomweb_and_explorer_share_one_origin(proxy):
    assert fetch(f"{proxy}/")[2] == b"the viewer's page"
    assert fetch(f"{proxy}/viewer?StudyInstanceUIDs=1.2")[2] == b"the viewer's page"
    assert fetch(f"{proxy}/part.wasm")[1] == "application/wasm"
    assert fetch(f"{proxy}/dicom-web/studies")[0] == 200
    assert b"Orthanc" in fetch(f"{proxy}/orthanc/app/explorer.html")[2]
    assert fetch(f"{proxy}/lungnode/healthz")[2] == b"/healthz below /lungnode"


def test_bulk_data_addresses_lead_through_the_proxy(proxy, site, tmp_path):
    write_study(tmp_path / "study", StudyPlan(n_slices=1, size=32))
    for file in (tmp_path / "study" / "CT").iterdir():
        site.rest("POST", "/instances", file.read_bytes())
    study = site.rest("GET", "/studies?expand")[0]["MainDicomTags"]["StudyInstanceUID"]
    metadata = fetch(f"{proxy}/dicom-web/studies/{study}/metadata")[2].decode()
    addresses = re.findall(r'"BulkDataURI"\s*:\s*"([^"]+)"', metadata)
    assert addresses
    assert all(address.startswith(f"{proxy}/dicom-web/") for address in addresses)


def test_nginx_ends_with_the_test(tmp_path, viewer):
    """The stand-in for 'nothing is left behind': a child and its workers are gone when the block ends."""
    port = free_port()
    (tmp_path / "n.conf").write_text(
        f"daemon off; pid {tmp_path}/n.pid; events {{}} "
        f"http {{ access_log off; server {{ listen 127.0.0.1:{port}; }} }}"
    )
    command = ["/usr/sbin/nginx", "-e", "stderr", "-p", tmp_path, "-c", tmp_path / "n.conf"]
    with child(command, log=tmp_path / "n.log", ready=lambda: listens(port)) as process:
        group = process.pid
    end = time.monotonic() + 10
    while subprocess.run(["/bin/ps", "-o", "pid=", "-g", str(group)], capture_output=True, check=False).stdout.strip():
        assert time.monotonic() < end, "a process of the group lives"
        time.sleep(0.05)
    with pytest.raises(urllib.error.URLError):
        fetch(f"http://127.0.0.1:{port}/")
