"""A server that trickles holds nobody: the limit is over the whole answer, not between two bytes."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests

from node.archive.endpoint import WebEndpoint
from node.archive.qido import identities_of_study
from node.archive.wado import retrieve_series
from node.archive.web_session import web_session
from node.errors import WorldUnavailable

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\n"
_PARTS = b'HTTP/1.1 200 OK\r\nContent-Type: multipart/related; type="application/dicom"; boundary=b\r\n\r\n--b\r\n'
_TRICKLES = {
    "in the headers": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "in a body with a length": (_HEAD + b"Content-Length: 999\r\n\r\n", b" "),
    "in a body without a length": (_HEAD + b"\r\n[]", b" "),
    "in chunks": (_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
}


@pytest.fixture
def trickling() -> Iterator:
    """Start a server that gives a first piece and then another one every 50 ms: `trickling(first, again)`."""
    over, listeners, threads = threading.Event(), [], []

    def answer(connection: socket.socket, first: bytes, again: bytes) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(first)
            while not over.wait(0.05):
                connection.sendall(again)

    def serve(listener: socket.socket, first: bytes, again: bytes) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=answer, args=(connection, first, again)))
                threads[-1].start()

    def start(first: bytes, again: bytes) -> str:
        listeners.append(socket.create_server(("127.0.0.1", 0)))
        threads.append(threading.Thread(target=serve, args=(listeners[-1], first, again)))
        threads[-1].start()
        return f"http://127.0.0.1:{listeners[-1].getsockname()[1]}/dicom-web"

    yield start
    over.set()
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(5.0)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("where", _TRICKLES)
def test_an_answer_that_trickles_ends_at_the_limit(where, trickling):
    url = trickling(*_TRICKLES[where])

    with (
        web_session(WebEndpoint(url, timeout_s=0.5)) as session,
        pytest.raises(requests.ReadTimeout, match="whole answer"),
    ):
        session.get(url, timeout=(0.5, 0.5), allow_redirects=False)


@pytest.mark.timeout(20)
def test_a_search_that_trickles_is_an_archive_that_does_not_answer(trickling):
    endpoint = WebEndpoint(trickling(*_TRICKLES["in chunks"]), timeout_s=0.5)

    with pytest.raises(WorldUnavailable) as caught:
        identities_of_study(endpoint, "1.2")

    assert caught.value.code == "ARCHIVE-DOWN"


@pytest.mark.timeout(20)
def test_the_next_request_of_the_session_has_its_time_anew(trickling, scripted):
    with web_session(WebEndpoint("http://h/", timeout_s=0.5)) as session:
        with pytest.raises(requests.ReadTimeout):
            session.get(trickling(*_TRICKLES["in the headers"]), timeout=0.5)

        assert session.get(scripted((200, {}, b"[]")).url, timeout=0.5).content == b"[]"


@pytest.mark.timeout(20)
def test_a_series_that_trickles_ends_when_its_time_is_over(trickling, tmp_path):
    endpoint = WebEndpoint(trickling(_PARTS, b"x"), timeout_s=5.0)

    with pytest.raises(WorldUnavailable) as caught:
        retrieve_series(endpoint, "1.2", "1.2.3", tmp_path / "out", until_s=time.monotonic() + 0.5)

    assert caught.value.code == "ARCHIVE-SLOW"
