"""One listening socket and its associations.

The socket is made before the process divides itself, so several receiver processes accept from one port and port 0
works; each connection goes to whichever process is free. A TLS handshake happens in the connection's own thread: a
peer that connects and falls silent must not keep the others from being accepted.
"""

import socket as tcp
import ssl
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from socketserver import BaseServer
from typing import Any

import structlog
from pynetdicom import _config
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

from node.receive.association import Acceptor
from node.receive.reception import Reception
from node.receive.stream import WAIT_S
from node.settings import Peer, Receive
from node.store.heartbeat import Heartbeat

_BACKLOG = 128
_SILENT_CONNECTIONS = 100  # beyond the associations: connections that have not said who they are

_log = structlog.get_logger("node.receive")


def listen(host: str, port: int) -> tcp.socket:
    """Open a listening socket; port 0 takes a free one."""
    family = tcp.AF_INET6 if ":" in host else tcp.AF_INET
    listening = tcp.socket(family, tcp.SOCK_STREAM)
    listening.setsockopt(tcp.SOL_SOCKET, tcp.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(_BACKLOG)
    listening.setblocking(False)  # another process may be faster with `accept`
    return listening


class Listener(ThreadedAssociationServer):  # type: ignore[misc]  # pynetdicom has no types
    """Accepts connections on a socket that is already listening."""

    daemon_threads = True
    socket: Any  # socketserver's; the module is called tcp here

    def __init__(
        self,
        ae: Any,
        listening: tcp.socket,
        settings: Receive,
        reception: Reception,
        *,
        contexts_for: Callable[[Peer], list[Any]],
        handlers: list[tuple[Any, Callable[[Any], Any]]],
        heartbeat: Heartbeat,
        tls: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        self._heartbeat = heartbeat
        self.listening = listening
        self.settings = settings
        self.reception = reception
        self.contexts_for = contexts_for
        self._tls = tls
        super().__init__(ae, listening.getsockname()[:2], settings.ae_title, [], None, handlers, _Connection)

    def server_bind(self) -> None:
        """Take the given socket instead of a new one."""
        self.socket.close()
        self.socket = self.listening
        self.server_address = self.listening.getsockname()

    def server_activate(self) -> None:
        """Do nothing: the socket listens already."""

    def service_actions(self) -> None:
        """Give a sign of life; the loop comes by here at every turn."""
        super().service_actions()
        self._heartbeat.beat()

    def get_request(self) -> tuple[tcp.socket, Any]:
        """Accept a connection, without a word to the peer yet."""
        connection, address = self.listening.accept()
        connection.setsockopt(tcp.IPPROTO_TCP, tcp.TCP_NODELAY, 1)  # pynetdicom never sets it
        if self._tls is None:  # the kernel's timeouts: a blocking call can then wait for a whole PDU
            connection.setsockopt(tcp.SOL_SOCKET, tcp.SO_RCVTIMEO, _timeval(WAIT_S))
            connection.setsockopt(tcp.SOL_SOCKET, tcp.SO_SNDTIMEO, _timeval(self.settings.network_timeout_s))
        return connection, address

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002  socketserver's signature
        """Turn a flood of connections away before it costs threads."""
        if len(self.active_associations) < self.settings.maximum_associations + _SILENT_CONNECTIONS:
            return True
        _log.warning("receive.connection_refused", host=client_address[0], reason="too many open connections")
        return False

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Begin the association, in the connection's own thread; with TLS after its handshake."""
        if self._tls is not None:
            request.settimeout(self.settings.acse_timeout_s)
            try:
                request = self._tls().wrap_socket(request, server_side=True)
            except OSError as error:  # ssl.SSLError is one
                _log.warning("receive.tls_refused", host=client_address[0], reason=str(error),
                             setting="receive.tls_ca: the authority that signed the peer's certificate")  # fmt: skip
                self.shutdown_request(request)
                return
            request.settimeout(self.settings.network_timeout_s)
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  socketserver's signature
        """Log what went wrong with one connection (socketserver would print it)."""
        _log.error("receive.connection_failed", host=client_address[0], exc_info=True)

    def stop(self) -> None:
        """Accept no more; `shutdown` would also look for this server in a list of pynetdicom's that it is not in."""
        BaseServer.shutdown(self)
        self.server_close()

    def server_close(self) -> None:
        """Close this process's copy of the socket; others may go on accepting from it."""
        self.listening.close()


class _Connection(RequestHandler):  # type: ignore[misc]  # pynetdicom has no types
    """Makes our kind of association for a connection."""

    def _create_association(self) -> Acceptor:
        """Do what pynetdicom 3.0.4 does here, with `Acceptor`; contexts are set once the peer is known."""
        server = self.server
        assoc = Acceptor(server.ae, server.settings, server.reception, server.contexts_for)
        assoc._server = server
        assoc.name = f"AcceptorThread@{datetime.now(tz=UTC):%Y%m%d%H%M%S}"  # pynetdicom finds them by this name
        assoc.set_socket(AssociationSocket(assoc, client_socket=self.request))
        assoc.acceptor.maximum_length = server.ae.maximum_pdu_size
        assoc.acceptor.ae_title = server.ae_title
        assoc.acceptor.address_info = self.local
        assoc.acceptor.implementation_class_uid = server.ae.implementation_class_uid
        assoc.acceptor.implementation_version_name = server.ae.implementation_version_name
        assoc.requestor.address_info = self.remote
        for event, bound in server._handlers.items():
            if event.is_intervention and bound:
                assoc.bind(event, *bound)
        return assoc


def _timeval(seconds: float) -> bytes:
    """Encode a duration for `setsockopt`."""
    return struct.pack("ll", int(seconds), int(seconds % 1 * 1e6))


def quieten_pynetdicom() -> None:
    """Turn off its handlers that format every message for a log nobody reads."""
    _config.LOG_HANDLER_LEVEL = "none"
