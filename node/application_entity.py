"""Every application entity of the node, calling or called: who we say we are, and how long a PDU may take."""

import socket
import time
from functools import partial
from typing import Any

from pynetdicom import AE, evt

from node.store.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

_AT_ONCE_BYTES = 1 << 16
_PER_BYTES = 1 << 20  # a peer that takes PDUs of any length is sent an object as one, and a line may be slow


def application_entity(title: str) -> Any:
    """Return a pynetdicom entity under a title, with our implementation's class and version (PS3.7 D.3.3.2)."""
    entity = _Entity(ae_title=title)
    entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    return entity


def keep_answers(association: Any) -> None:
    """Keep pynetdicom 3.0.4's own reactor from taking an answer away.

    The reactor sets `_is_paused` and waits at its checkpoint; a sender that clears the checkpoint between these two
    lines sends while the reactor goes on to look for messages once more. Where the answer is as quick as our
    receiver's, the reactor finds it, takes it for a stray one, and the sender waits in vain (seen once in about a
    thousand instances on a busy machine); of a search's many answers one is missing then, and a count is too low. A
    requestor of C-STORE, C-FIND or C-MOVE has no use for what the reactor finds.
    """
    wait_for = association.dimse.get_msg
    association.dimse.get_msg = lambda block=False: wait_for(block=True) if block else (None, None)


class _Entity(AE):  # type: ignore[misc]  # pynetdicom has no types
    """pynetdicom's, with a time for each PDU as a whole.

    pynetdicom 3.0.4 reads and writes a PDU for as long as the peer likes, in the one thread that could abort: a peer
    that trickles, stalls inside a PDU or reads nothing holds the association, and the caller who aborts it, for ever.
    """

    def associate(self, *to: Any, evt_handlers: Any = (), **how: Any) -> Any:
        """Call a peer, as pynetdicom does."""
        return super().associate(*to, evt_handlers=[*evt_handlers, _PDUS_IN_TIME], **how)

    def start_server(self, *where: Any, evt_handlers: Any = (), **how: Any) -> Any:
        """Be called, as pynetdicom does."""
        return super().start_server(*where, evt_handlers=[*evt_handlers, _PDUS_IN_TIME], **how)


def _pdus_in_time(event: Any) -> None:
    """Have each PDU of a connection read and written within the network timeout, for each MiB of a long one."""
    transport, within_s = event.assoc.dul.socket, event.assoc.network_timeout
    if within_s is not None:
        transport.recv = partial(_read, transport.socket, within_s)
        transport.send = partial(_write, transport, transport.socket, within_s)


_PDUS_IN_TIME = (evt.EVT_CONN_OPEN, _pdus_in_time)


def _read(raw: socket.socket, within_s: float, n_bytes: int) -> bytearray:
    """Return that many bytes, fewer where the peer has closed; TimeoutError ends the connection."""
    until_s = time.monotonic() + within_s * (1 + n_bytes // _PER_BYTES)
    read = bytearray()
    while len(read) < n_bytes:
        _wait_until(raw, until_s)
        some = raw.recv(min(n_bytes - len(read), _AT_ONCE_BYTES))
        if not some:
            break
        read += some
    return read


def _write(transport: Any, raw: socket.socket, within_s: float, pdu: bytes) -> None:
    """Send a PDU and tell pynetdicom's handlers, or that the connection is over."""
    until_s = time.monotonic() + within_s * (1 + len(pdu) // _PER_BYTES)
    left = memoryview(pdu)
    try:
        while left:
            _wait_until(raw, until_s)
            left = left[raw.send(left) :]
    except OSError:
        transport.event_queue.put("Evt17")  # transport connection closed
        return
    evt.trigger(transport.assoc, evt.EVT_DATA_SENT, {"data": pdu})


def _wait_until(raw: socket.socket, until_s: float) -> None:
    """Let the next call on a socket take until then."""
    left_s = until_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("the peer did not take or send a PDU in time")
    raw.settimeout(left_s)
