"""An association to a destination: our socket options, our time limits, always released or aborted at the end."""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pynetdicom import evt

from node.application_entity import application_entity
from node.deliver.tls import client_context
from node.settings import Destination

Association = Any  # pynetdicom ships no types
MAXIMUM_PDU_BYTES = 131072
ACSE_WITHIN_S = 30.0
_TRANSIENT = 2  # PS3.8 table 9-21: rejected for now


@dataclass(frozen=True, slots=True)
class NoAssociation:
    """Why there is none. `contexts_refused`: the peer answered, but takes none of what was proposed."""

    status: str
    text: str
    contexts_refused: bool = False


@contextmanager
def open_association(
    destination: Destination,
    contexts: Sequence[tuple[str, str]],
    *,
    calling: str,
    handlers: Sequence[tuple[Any, Callable[..., Any]]] = (),
    negotiation: Sequence[Any] = (),
) -> Iterator[Association | NoAssociation]:
    """Open an association with one context per (class, syntax).

    Yields
    ------
    The association, or why there is none.
    """
    unresolved = unresolved_host(str(destination.host))
    if unresolved is not None:
        yield NoAssociation("host-name", unresolved)
        return
    entity = application_entity(calling)
    entity.maximum_pdu_size = MAXIMUM_PDU_BYTES
    entity.acse_timeout = min(ACSE_WITHIN_S, destination.timeout_s)
    entity.dimse_timeout = entity.network_timeout = destination.timeout_s
    entity.connection_timeout = min(ACSE_WITHIN_S, destination.timeout_s)
    for sop_class, syntax in contexts:
        entity.add_requested_context(sop_class, syntax)
    association = entity.associate(
        str(destination.host),
        int(destination.port or 0),
        ae_title=str(destination.ae_title),
        max_pdu=MAXIMUM_PDU_BYTES,
        ext_neg=list(negotiation) or None,
        evt_handlers=[(evt.EVT_CONN_OPEN, _no_delay), (evt.EVT_DATA_SENT, _quick_acknowledgements), *handlers],
        tls_args=(client_context(destination), str(destination.host)) if destination.tls else None,
    )
    try:
        yield association if association.is_established else _why_not(association)
    finally:
        if association.is_established:
            association.release()


def unresolved_host(host: str) -> str | None:
    """Say that a host has no address; None where it has one. pynetdicom 3.0.4 raises there, out of `associate`."""
    try:
        socket.getaddrinfo(host, None)
    except OSError as error:
        return f"the name {host!r} has no address ({error.strerror}): check it, and the name server"
    except UnicodeError:
        return f"{host!r} is no host name"
    return None


def _why_not(association: Association) -> NoAssociation:
    answer = association.acceptor.primitive
    if association.is_rejected and answer is not None and answer.result == _TRANSIENT:
        return NoAssociation("busy", "the peer takes no association now: too many are open there, or it is paused")
    if association.is_rejected:
        return NoAssociation("rejected", "the peer rejected us: check both AE titles and its list of callers")
    if association.rejected_contexts and not association.accepted_contexts:
        return NoAssociation("context-refused", "the peer takes none of the proposed classes", contexts_refused=True)
    return NoAssociation("connect", "nobody listens at that address, or the association was aborted")


def _no_delay(event: Any) -> None:
    event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _quick_acknowledgements(event: Any) -> None:
    transport = event.assoc.dul.socket
    if transport is not None and transport.socket is not None and hasattr(socket, "TCP_QUICKACK"):
        transport.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
