"""OHIF and Orthanc's DICOMweb on one origin, on loopback: what a reverse proxy does at a site (`deploy/proxy/`).

Whoever reaches this port reads the archive, because the proxy logs in for them. So it listens on loopback only and
answers only to a `Host` that names loopback: a page from elsewhere that a browser was lured to cannot get through.
"""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from node.harness.orthanc import OrthancSite
from node.shipped import BESIDE_THE_PACKAGE, INSTALLED

PROXIED = ("/dicom-web", "/wado")
HOSTS = ("127.0.0.1", "localhost")
PASSED_ON = ("Accept", "Content-Type", "Host")
PASSED_BACK = ("Content-Type", "Content-Length", "Content-Encoding")
BLOCK_BYTES = 1 << 20
ORTHANC_TIMEOUT_S = 120.0


def find_viewer() -> Path | None:
    """Return the folder that `deploy/viewer` has filled, None where it has not."""
    for folder in (BESIDE_THE_PACKAGE / ".cache" / "viewer", INSTALLED / "viewer"):
        if (folder / "index.html").exists():
            return folder
    return None


@contextmanager
def running_viewer(folder: Path, orthanc: OrthancSite) -> Iterator[str]:
    """Serve the viewer until the block ends.

    Yields
    ------
    Its address, without a slash at the end.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Page, orthanc=orthanc, directory=str(folder)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="viewer", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def study_link(viewer_url: str, study_instance_uid: str) -> str:
    """Return where a study is shown."""
    return f"{viewer_url}/viewer?StudyInstanceUIDs={study_instance_uid}"


class _Page(SimpleHTTPRequestHandler):
    """Files of the viewer, `index.html` for its own paths, DICOMweb passed on."""

    protocol_version = "HTTP/1.1"
    extensions_map = {  # noqa: RUF012 - the library's own attribute
        **SimpleHTTPRequestHandler.extensions_map,
        ".wasm": "application/wasm",
        ".mjs": "text/javascript",
        ".js": "text/javascript",
    }

    def __init__(self, *arguments: Any, orthanc: OrthancSite, directory: str) -> None:
        self._orthanc = orthanc
        super().__init__(*arguments, directory=directory)  # the request, the address and the server, from socketserver

    def do_GET(self) -> None:
        """Answer GET."""
        self._answer(super().do_GET)

    def do_HEAD(self) -> None:
        """Answer HEAD."""
        self._answer(super().do_HEAD)

    def do_POST(self) -> None:
        """Answer POST: what a reader saves goes to the archive."""
        self._answer(partial(self.send_error, 405))

    def _answer(self, from_files: Callable[[], object]) -> None:
        host = urlsplit("//" + self.headers.get("Host", "")).hostname
        if host not in HOSTS:
            self.send_error(403, "this address is for this machine only")
        elif self.path.startswith(PROXIED):
            self._pass_on()
        else:
            from_files()

    def _pass_on(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
        headers["Authorization"] = self._orthanc.authorization
        connection = http.client.HTTPConnection("127.0.0.1", self._orthanc.http_port, timeout=ORTHANC_TIMEOUT_S)
        try:
            connection.request(self.command, self.path, self.rfile.read(length) if length else None, headers)
            answer = connection.getresponse()
            self.send_response(answer.status)
            for name in PASSED_BACK:
                if value := answer.getheader(name):
                    self.send_header(name, value)
            if answer.getheader("Content-Length") is None:
                self.send_header("Connection", "close")  # the end of the body is the end of the connection
                self.close_connection = True
            self.end_headers()
            while block := answer.read(BLOCK_BYTES):
                self.wfile.write(block)
        except (OSError, http.client.HTTPException):
            self.close_connection = True
        finally:
            connection.close()

    def translate_path(self, path: str) -> str:
        """Return the file for a path; paths that only the viewer knows lead to its page."""
        file = super().translate_path(path)
        return file if Path(file).exists() else super().translate_path("/index.html")

    def end_headers(self) -> None:
        """Add what lets the viewer use shared memory."""
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing: requests carry study UIDs."""
