"""The status page's server: a thread of the process that supervises the others."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from node.receive.no_port import no_port
from node.settings import Settings
from node.store.layout import Layout
from node.watch.application import application

_BEGIN_WITHIN_S = 10.0


@contextmanager
def status_page(settings: Settings) -> Iterator[int]:
    """Serve the page until the block ends; the port stands in the settings, 0 takes a free one.

    Raises
    ------
    NotYetThere
        CFG-PORT where the port is taken, or its address is not there.
    Misconfigured
        CFG-PORT where the port may not be used.
    """
    Layout(settings.data_dir).create()  # before the processes of the node, which make none
    listening = _listen(settings.watch.host, settings.watch.port)
    server = uvicorn.Server(
        uvicorn.Config(
            application(settings),
            log_config=None,  # as `lungnode` has configured it
            log_level="warning",
            access_log=False,  # the log is for what went wrong
            server_header=False,
            lifespan="off",
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="status page", daemon=True)
    thread.start()
    deadline_s = time.monotonic() + _BEGIN_WITHIN_S
    while not server.started and thread.is_alive() and time.monotonic() < deadline_s:
        time.sleep(0.01)
    try:
        yield int(listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(_BEGIN_WITHIN_S)
        listening.close()


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        text = f"the status page cannot listen on {host}:{port} ({error.strerror}); see watch.port"
        raise no_port(error, text) from error
    return listening
