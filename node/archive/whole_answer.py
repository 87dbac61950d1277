"""An HTTP adapter that ends a request whose whole answer does not come in time.

The limits of requests run between two bytes, so a server that sends one byte every few seconds would hold a caller for
ever. Here another thread shuts the connection down at the limit, wherever the request stands by then: in the TLS
handshake, while it is sent, in the headers or in the body of the answer.
"""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import requests
from requests.adapters import HTTPAdapter

_SLOWEST_BYTES_PER_S = 65536  # of what we send: a network slower than this counts as one that stands


class WholeAnswer(HTTPAdapter):
    """Give a request `within_s`, and what its own bytes take; give a streamed answer until `until_s`, if any."""

    def __init__(self, within_s: float, until_s: float | None) -> None:
        self._within_s, self._until_s = within_s, until_s
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._late = False
        self._timer: threading.Timer | None = None
        super().__init__()

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return the pool of connections to a host, which lets us keep a hold of each one's socket."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if "ConnectionCls" not in vars(pool):
            pool.ConnectionCls = _telling(pool.ConnectionCls, self._keep)
        return pool

    def send(self, request: requests.PreparedRequest, stream: bool = False, *args: Any, **kwargs: Any) -> Any:
        """Send a request; what is not streamed is answered as a whole, or ends in requests.ReadTimeout."""
        body: Any = request.body or b""  # bytes or text: nothing of ours is sent from a generator
        self._start(None if stream else self._within_s + len(body) / _SLOWEST_BYTES_PER_S)
        try:
            response = super().send(request, stream, *args, **kwargs)
            if not stream:
                _ = response.content  # the response keeps it
        except requests.RequestException as error:
            if self._late:
                raise requests.ReadTimeout("the whole answer did not come in time", request=request) from error
            raise
        finally:
            if not stream:
                self._stop()
        if self._late:  # a body without a length ends at the cut as if it were whole
            raise requests.ReadTimeout("the whole answer did not come in time", request=request)
        return response

    def close(self) -> None:
        """Let go of everything."""
        self._stop()
        super().close()
        with self._lock:
            for held in self._sockets:
                held.close()
            self._sockets.clear()

    def _start(self, within_s: float | None) -> None:
        self._late = False
        if within_s is None and self._until_s is not None:
            within_s = max(0.0, self._until_s - time.monotonic())
        if within_s is not None:
            self._timer = threading.Timer(within_s, self._cut)
            self._timer.daemon = True
            self._timer.start()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _keep(self, connected: socket.socket) -> None:
        """Keep a second handle, which stays ours when TLS takes the first one over."""
        with self._lock:
            self._sockets.append(connected.dup())
        if self._late:
            self._cut()

    def _cut(self) -> None:
        self._late = True
        with self._lock:
            for held in self._sockets:
                with suppress(OSError):  # it has ended by itself
                    held.shutdown(socket.SHUT_RDWR)


def _telling(connection: Any, keep: Callable[[socket.socket], None]) -> Any:
    """Return urllib3's class of connections with each new socket handed to `keep`."""

    def connect(self: Any) -> Any:
        connected = connection._new_conn(self)
        keep(connected)
        return connected

    return type(connection.__name__, (connection,), {"_new_conn": connect})
