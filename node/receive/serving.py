"""A receiver that runs: listening sockets, associations, and a clean end."""

import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any

from pynetdicom import evt

from node.application_entity import application_entity
from node.errors import LungnodeError, Misconfigured
from node.receive.commitment import ArchiveHolds, CommitmentProvider
from node.receive.commitment_report import report_handler
from node.receive.contexts import commitment_context, storage_contexts
from node.receive.no_port import no_port
from node.receive.reception import Reception, Tally
from node.receive.server import Listener, listen, quieten_pynetdicom
from node.receive.tls import Certificates
from node.settings import Disk, Peer, Receive
from node.store.commitments import FOLDER
from node.store.disk import marks
from node.store.heartbeat import Heartbeat, heartbeat_file
from node.store.journal import Journal
from node.store.spool import Spool

_END_WITHIN_S = 10.0  # the instance that is being flushed is finished, then the association is aborted
_POLL_S = 0.5  # of socketserver, for its own shutdown
_HIGHEST = 1_000_000  # our own count is asked instead of pynetdicom's, which counts connections that said nothing


@dataclass(frozen=True, slots=True)
class Ports:
    """The open sockets, made before the process divides itself."""

    plain: socket
    tls: socket | None

    @property
    def plain_port(self) -> int:
        """The port that was taken."""
        return int(self.plain.getsockname()[1])

    @property
    def tls_port(self) -> int | None:
        """The TLS port that was taken, None without one."""
        return None if self.tls is None else int(self.tls.getsockname()[1])

    def close(self) -> None:
        """Close this process's copies."""
        self.plain.close()
        if self.tls is not None:
            self.tls.close()


def open_ports(settings: Receive) -> Ports:
    """Open the listening sockets.

    Raises
    ------
    NotYetThere
        CFG-PORT: a port is taken, or its address is not there; the text says which.
    Misconfigured
        CFG-PORT: a port may not be used.
    """
    plain = _open(settings.host, settings.port, "receive.port")
    try:
        tls = None if settings.tls_port is None else _open(settings.host, settings.tls_port, "receive.tls_port")
    except LungnodeError:
        plain.close()
        raise
    return Ports(plain, tls)


class Receiver:
    """One receiver process's associations; a context manager."""

    def __init__(
        self,
        settings: Receive,
        disk: Disk,
        data_dir: Path,
        ports: Ports,
        *,
        archive_holds: ArchiveHolds,
        answers_from: frozenset[str] = frozenset(),
        tally: Tally | None = None,
        process: int = 0,
    ) -> None:
        quieten_pynetdicom()
        self.reception = Reception(
            spool=Spool(data_dir),
            journal=Journal(data_dir / "spool" / "journal", f"receive-{process}"),
            marks=marks(disk.soft_free_gib, disk.hard_free_gib),
            tally=tally or Tally(process + 1),
            process=process,
        )
        self.reception.tally.set(process, 0)
        self._commitment = CommitmentProvider(settings, self.reception, archive_holds)
        storage = storage_contexts(lossy=settings.accept_lossy)
        with_commitment = [*storage, commitment_context()]

        def contexts_for(peer: Peer) -> list[Any]:
            return with_commitment if peer.storage_commitment or peer.ae_title in answers_from else storage

        handlers = [
            (evt.EVT_N_ACTION, self._commitment.on_action),
            (evt.EVT_N_EVENT_REPORT, report_handler(data_dir / FOLDER)),
        ]
        ae = _application_entity(settings)
        self._listeners = [
            Listener(
                ae, listening, settings, self.reception,
                contexts_for=contexts_for, handlers=handlers, tls=tls,
                heartbeat=Heartbeat(heartbeat_file(data_dir, process, tls=tls is not None)),
            )
            for listening, tls in _sockets(settings, ports)
        ]  # fmt: skip
        self._threads = [
            threading.Thread(target=one.serve_forever, kwargs={"poll_interval": _POLL_S}, daemon=True)
            for one in self._listeners
        ]

    def __enter__(self) -> "Receiver":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._commitment.stop()
        for listener in self._listeners:
            listener.stop()
        _end([assoc for listener in self._listeners for assoc in listener.active_associations])
        self.reception.journal.close()


def _end(associations: list[Any]) -> None:
    """Abort what is open, all at once, and wait for it."""
    for association in associations:
        association.abort(block=False)
    deadline = time.monotonic() + _END_WITHIN_S
    for association in associations:
        association.join(max(deadline - time.monotonic(), 0.0))


def _application_entity(settings: Receive) -> Any:
    ae = application_entity(settings.ae_title)
    ae.maximum_pdu_size = settings.maximum_pdu_bytes
    ae.maximum_associations = _HIGHEST
    ae.acse_timeout = settings.acse_timeout_s
    ae.dimse_timeout = settings.dimse_timeout_s
    ae.network_timeout = settings.network_timeout_s
    return ae


def _sockets(settings: Receive, ports: Ports) -> list[tuple[socket, Callable[[], ssl.SSLContext] | None]]:
    """Pair each socket with where its TLS context comes from."""
    pairs: list[tuple[socket, Callable[[], ssl.SSLContext] | None]] = [(ports.plain, None)]
    if ports.tls is not None:
        if settings.tls_certificate is None or settings.tls_key is None or settings.tls_ca is None:
            raise Misconfigured("CFG-TLS", "receive.tls_port needs tls_certificate, tls_key and tls_ca")
        certificates = Certificates(settings.tls_certificate, settings.tls_key, settings.tls_ca)
        pairs.append((ports.tls, certificates.context))
    return pairs


def _open(host: str, port: int, setting: str) -> socket:
    try:
        return listen(host, port)
    except OSError as error:
        text = f"cannot listen on {host}:{port} ({error.strerror}); see {setting} and receive.host"
        raise no_port(error, text) from error
