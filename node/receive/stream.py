"""The receiver's own reading of PDUs, in place of pynetdicom 3.0.4's `DULServiceProvider` reading (docs/adr/0002).

Stock pynetdicom reads 4096 bytes at a time into growing buffers, blocks inside a PDU for as long as the peer likes,
hands each PDU through two queues and two threads that poll every millisecond. Here

- bytes are read into one buffer, a whole PDU in one call where its length is known, and go on from there to the file
  by `writev`, never copied;
- a C-STORE is handled in the reading thread, from its command to its answer; every other message is handed to
  pynetdicom as before, and so are association requests, releases and aborts;
- no call waits longer than `WAIT_S`, inside a PDU neither, so the idle timer and ARTIM apply at any byte, and a
  message that trickles in more slowly than `_SLOWEST_BYTES_PER_S` is aborted;
- an idle association sleeps in `poll` until the socket or the other thread (an eventfd) wakes it.

What is used of pynetdicom's inner parts, and pinned by `tests/receive/test_stream_contract.py`: the states Sta6 and
Sta13, the events Evt17 and Evt19, `event_queue`, `to_provider_queue`, `to_user_queue`, `_recv_pdu`, `_decode_pdu`,
`_is_transport_event`, `_read_pdu_data`, `_idle_timer`, `_kill_thread`, `_run_loop_delay`, `dimse.receive_primitive`,
`dimse.msg_queue`, `_accepted_cx`.
"""

import os
import queue
import select
import socket
import ssl
import struct
import threading
import time
from typing import Any
from uuid import uuid4

import structlog
from pynetdicom.dul import DULServiceProvider
from pynetdicom.pdu_primitives import P_DATA

from node.receive.command import MAXIMUM_COMMAND_BYTES, Command, encode_pdata, encode_store_response, read_command
from node.receive.reception import Caller, Reception
from node.receive.status import Answer, Status
from node.receive.storing import Store

_BUFFER_BYTES = 1 << 20
_ROOM_BYTES = 160 << 10  # for one more PDU of the size that we announce; less makes the file be written
_LONGEST_PDU_BYTES = 1 << 20  # of P-DATA, eight times what we announce; others must fit the buffer
_LONGEST_OTHER_BYTES = 16 << 20  # of another message's data set (a storage commitment request of 100 000 instances)
_SLOWEST_BYTES_PER_S = 1024
WAIT_S = 0.25
_DATA, _ESTABLISHED, _CLOSING = 0x04, "Sta6", "Sta13"
_REQUEST = 0x01  # A-ASSOCIATE-RQ, PS3.8 table 9-11
_CALLED_TITLE, _CALLING_TITLE = slice(10, 26), slice(26, 42)
_PDU_TYPES = range(0x01, 0x08)
_HEADERS_BYTES = 12  # of a P-DATA PDU and its first PDV
_COMMAND, _LAST = 0x01, 0x02  # bits of a PDV's message control header, PS3.8 annex E.2

_log = structlog.get_logger("node.receive")


class PeerError(Exception):
    """The peer broke the protocol: the association is aborted."""


class StreamReader(DULServiceProvider):  # type: ignore[misc]  # pynetdicom has no types
    """The DUL service provider of an acceptor."""

    def __init__(self, assoc: Any, reception: Reception) -> None:
        super().__init__(assoc)
        self.caller: Caller | None = None
        self.studies: dict[str, None] = {}
        self.n_instances = 0
        self._reception = reception
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._wake_lock = threading.Lock()
        self._poll: select.poll | None = None
        self._run_loop_delay = 0  # `poll` does the waiting
        self.to_user_queue = _TellingQueue(assoc)
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._begin = 0
        self._end = 0
        self._undelivered = False  # whole PDUs may stand in the buffer
        self._pdu_left = 0
        self._pdv_left = 0
        self._context_id = 0
        self._control = 0
        self._parts: list[memoryview] = []  # of the buffer, for the file
        self._command = bytearray()
        self._store: Store | None = None
        self._foreign: bytearray | None = None  # a fragment of another service's data set
        self._n_foreign = 0
        self._between_messages = True
        self._message_began_s = 0.0
        self._n_received = 0

    # What pynetdicom calls

    def run_reactor(self) -> None:
        """Run as pynetdicom does; a half-received instance ends with the thread."""
        try:
            super().run_reactor()
        finally:
            self._forget_store()
            with self._wake_lock:
                os.close(self._wake)
                self._wake = -1

    def send_pdu(self, primitive: Any) -> None:
        """Queue a primitive for the peer and wake the thread that sends it."""
        super().send_pdu(primitive)
        self._wake_up()

    def kill_dul(self) -> None:
        """End the thread."""
        super().kill_dul()
        self._wake_up()

    def stop_dul(self) -> bool:
        """End the thread if the association is over, and wait for it."""
        if self.state_machine.current_state != "Sta1":
            return False
        self.kill_dul()
        if threading.current_thread() is not self:
            self.join()
        return True

    def _is_transport_event(self) -> bool:
        """Take in what the peer has sent; True restarts the idle timer."""
        raw = self.socket.socket if self.socket is not None else None
        if self._has_other_work():
            return False
        if raw is None or self.state_machine.current_state == "Sta1":
            time.sleep(0.001)  # the connection is over and the other thread is about to end this one
            return False
        if self.state_machine.current_state == _CLOSING:
            return bool(super()._is_transport_event())
        if self._undelivered:
            self._take_in()
            return True
        heard = False
        while (self._pdu_left or self._readable(raw)) and self._receive(raw):
            heard = True
            self._idle_timer.restart()
            self._take_in()
            if self.state_machine.current_state != _ESTABLISHED or self._has_other_work():
                break
        return heard

    def _read_pdu_data(self) -> None:
        """While the connection closes (Sta13): read and forget, so that the peer is not reset before our A-ABORT."""
        self._begin = self._end = 0
        self._receive(self.socket.socket)

    # Bytes

    def _readable(self, raw: socket.socket) -> bool:
        """Wait until there is something to read, at most `WAIT_S`; False where the other thread wants something."""
        if isinstance(raw, ssl.SSLSocket) and raw.pending():
            return True
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(raw, select.POLLIN)
            self._poll.register(self._wake, select.POLLIN)
        ready = self._poll.poll(WAIT_S * 1000)
        if any(descriptor == self._wake for descriptor, _ in ready):
            os.eventfd_read(self._wake)
            return False
        return bool(ready)

    def _receive(self, raw: socket.socket) -> bool:
        """Read once into the buffer; False where nothing came or the connection is gone."""
        try:
            n_bytes = self._read_into(raw, self._buffer[self._end :])
        except (BlockingIOError, ssl.SSLWantReadError):  # nothing for `WAIT_S`
            return False
        except OSError:
            n_bytes = 0
        if n_bytes == 0:
            self.event_queue.put("Evt17")  # transport connection closed
            return False
        self._end += n_bytes
        self._n_received += n_bytes
        return True

    def _read_into(self, raw: socket.socket, room: memoryview) -> int:
        """Read the rest of the PDU in one call; what is there already where its length is not known yet."""
        if self._pdu_left == 0 or isinstance(raw, ssl.SSLSocket):
            return raw.recv_into(room)
        goes_on = self._pdv_left == self._pdu_left and not self._control & _LAST
        more = _HEADERS_BYTES if goes_on else 0  # of the PDU that must follow
        return raw.recv_into(room[: self._pdu_left + more], 0, socket.MSG_WAITALL)

    def _take_in(self) -> None:
        """Parse what is in the buffer; a peer that breaks the protocol is aborted."""
        try:
            self._undelivered = self._parse()
            self._check_pace()
        except (PeerError, ValueError) as error:
            self._forget_store()
            self._begin = self._end = self._pdu_left = self._pdv_left = 0
            self._undelivered = False
            _log.warning("receive.protocol_broken", reason=str(error), **self._who())
            self.event_queue.put("Evt19")  # unrecognized or invalid PDU
        if self._begin == self._end or len(self._buffer) - self._end < _ROOM_BYTES:
            self._make_room()

    def _parse(self) -> bool:
        """Go along the buffer; True where it stopped at an event although more may stand there."""
        while True:
            available = self._end - self._begin
            if self._pdv_left:
                if not available:
                    return False
                self._payload(min(self._pdv_left, available))
            elif self._pdu_left:
                if available < 6:
                    return False
                self._pdv_header()
            elif available < 6:
                return False
            elif not self._pdu_header(available):
                return self._begin < self._end and not self.event_queue.empty()

    def _pdu_header(self, available: int) -> bool:
        """Read a PDU's header: enter a P-DATA, deliver another one; False to stop parsing for now."""
        kind, _, length = struct.unpack_from(">BBL", self._buffer, self._begin)
        if kind not in _PDU_TYPES:
            raise PeerError(f"PDU type {kind:#04x}")
        if self._between_messages:
            self._between_messages = False
            self._message_began_s = time.monotonic()
            self._n_received = available
        if kind == _DATA and self.state_machine.current_state == _ESTABLISHED:
            if length > _LONGEST_PDU_BYTES:
                raise PeerError(f"a P-DATA PDU of {length} bytes")
            self._begin += 6
            self._pdu_left = length
            return True
        if length > _BUFFER_BYTES - 6:
            raise PeerError(f"a PDU of type {kind:#04x} with {length} bytes")
        if available < 6 + length:
            return False
        self._deliver(bytes(self._buffer[self._begin : self._begin + 6 + length]))
        self._begin += 6 + length
        return False

    def _deliver(self, whole: bytes) -> None:
        """Hand a PDU to pynetdicom's state machine."""
        try:
            pdu, event = self._decode_pdu(_with_spaces(whole))
        except Exception as error:
            raise PeerError(f"a PDU of type {whole[0]:#04x} that cannot be decoded{_titles_of(whole)}") from error
        self._recv_pdu.put(pdu)
        self.event_queue.put(event)
        self._between_messages = True

    def _make_room(self) -> None:
        """Write what is for the file, and move what is left, a part of a header or of a short PDU, to the front."""
        if self._parts and len(self._buffer) - self._end >= _ROOM_BYTES:
            return
        self._write_parts()
        left = self._end - self._begin
        if self._begin:
            self._buffer[:left] = bytes(self._buffer[self._begin : self._end])
            self._begin, self._end = 0, left

    # Fragments

    def _pdv_header(self) -> None:
        """Read the header of a presentation data value (PS3.8 section 9.3.5.1)."""
        length, self._context_id, self._control = struct.unpack_from(">LBB", self._buffer, self._begin)
        if length < 2 or length + 4 > self._pdu_left:
            raise PeerError(f"a PDV of {length} bytes in {self._pdu_left} bytes of P-DATA")
        if self._control & _COMMAND and (self._store is not None or self._foreign is not None):
            raise PeerError("a command inside a data set")
        if not self._control & _COMMAND and self._store is None and self._foreign is None:
            raise PeerError("a data set without a command")
        self._begin += 6
        self._pdu_left -= 6
        self._pdv_left = length - 2
        if not self._pdv_left:
            self._fragment_ended()

    def _payload(self, size: int) -> None:
        """Send the next bytes of a fragment where they belong."""
        part = self._buffer[self._begin : self._begin + size]
        self._begin += size
        self._pdu_left -= size
        self._pdv_left -= size
        if self._control & _COMMAND:
            self._command += part
            if len(self._command) > MAXIMUM_COMMAND_BYTES:
                raise PeerError(f"a command set of more than {MAXIMUM_COMMAND_BYTES} bytes")
        elif self._store is not None:
            self._parts.append(part)
        elif self._foreign is not None:
            self._foreign += part
            self._n_foreign += size
            if self._n_foreign > _LONGEST_OTHER_BYTES:
                raise PeerError(f"a message of more than {_LONGEST_OTHER_BYTES} bytes")
        if not self._pdv_left:
            self._fragment_ended()

    def _fragment_ended(self) -> None:
        if self._control & _COMMAND:
            if self._control & _LAST:
                command, self._command = bytes(self._command), bytearray()
                self._commanded(command)
        elif self._store is not None:
            if self._control & _LAST:
                self._write_parts()
                self._answer(self._store)
        elif self._foreign is not None:
            self._hand_over(self._control, bytes(self._foreign))
            self._foreign = None if self._control & _LAST else bytearray()
            self._between_messages = self._foreign is None

    def _commanded(self, encoded: bytes) -> None:
        """Begin a C-STORE, or hand another command to pynetdicom."""
        command = read_command(encoded)
        context = self.assoc._accepted_cx.get(self._context_id)
        if context is None or self.caller is None:
            raise PeerError(f"presentation context {self._context_id} was not accepted")
        if not command.is_store_request:
            self._hand_over(self._control, encoded)
            self._n_foreign = 0
            self._foreign = bytearray() if command.has_data_set else None
            self._between_messages = self._foreign is None
            return
        answer = self._refusal(command, str(context.abstract_syntax), self.caller)
        self._store = Store(self._reception, command, str(context.transfer_syntax[0]), self.caller, answer)
        if not command.has_data_set:
            self._answer(self._store)

    def _refusal(self, command: Command, abstract_syntax: str, caller: Caller) -> Answer | None:
        """Decide what can be decided before the data set comes."""
        if not command.has_data_set:
            return Answer(Status.CANNOT_PARSE, "a C-STORE without a data set")
        if command.sop_class_uid != abstract_syntax:
            return Answer(Status.SOP_CLASS_NOT_SUPPORTED, "the SOP class is not that of the presentation context")
        if caller.classes and command.sop_class_uid not in caller.classes:
            return Answer(Status.NOT_AUTHORISED, "this peer may not store this SOP class")
        try:
            if not self._reception.has_room:
                return Answer(Status.OUT_OF_RESOURCES, "the disk is below its mark")
        except OSError as error:
            return Answer(Status.OUT_OF_RESOURCES, f"spool: {error.strerror}")
        return None

    def _hand_over(self, control: int, fragment: bytes) -> None:
        """Give a fragment of another service's message to pynetdicom."""
        primitive = P_DATA()
        primitive.presentation_data_value_list.append([self._context_id, bytes((control,)) + fragment])
        self.assoc.dimse.receive_primitive(primitive)

    def _write_parts(self) -> None:
        parts, self._parts = self._parts, []
        if parts and self._store is not None:
            self._store.write(parts)

    def _answer(self, store: Store) -> None:
        """Keep the instance and tell the peer."""
        self._store = None
        try:
            answer = store.finish()
        except Exception:  # noqa: BLE001  the DIMSE handler: whatever fails, the peer gets a status
            incident = uuid4().hex[:12]
            _log.error("receive.store_failed", incident=incident, exc_info=True, **self._who())
            answer = Answer(Status.PROCESSING_FAILURE, f"incident {incident}")
        if store.study_uid:
            self.studies[store.study_uid] = None
            self.n_instances += 1
        if answer.status is not Status.SUCCESS:
            _log.warning(
                "receive.instance_refused",
                status=f"{answer.status:#06x}",
                reason=answer.comment,
                sop_uid=store.request.sop_instance_uid,
                study_uid=store.refused_study_uid,
                series_uid=store.refused_series_uid,
                **self._who(),
            )
        command = encode_store_response(store.request, answer)
        response = encode_pdata(self._context_id, command, self.assoc.requestor.maximum_length)
        try:
            self.socket.socket.sendall(response)
        except OSError:
            self.event_queue.put("Evt17")
        self._between_messages = True
        self._idle_timer.restart()

    # Odds and ends

    def _check_pace(self) -> None:
        """Abort a message that trickles in: it would hold an association for as long as the peer likes."""
        if self._between_messages or self.network_timeout is None:
            return
        allowed_s = self.network_timeout + self._n_received / _SLOWEST_BYTES_PER_S
        if time.monotonic() - self._message_began_s > allowed_s:
            raise PeerError(f"{self._n_received} bytes in more than {allowed_s:.0f} s")

    def _has_other_work(self) -> bool:
        return self._kill_thread or not self.event_queue.empty() or not self.to_provider_queue.empty()

    def _forget_store(self) -> None:
        store, self._store = self._store, None
        self._parts = []
        if store is not None:
            store.discard()

    def _wake_up(self) -> None:
        with self._wake_lock:
            if self._wake >= 0:
                os.eventfd_write(self._wake, 1)

    def _who(self) -> dict[str, str]:
        """Name the peer for a log line."""
        if self.caller is None:
            return {"host": str(self.assoc.requestor.address)}
        return {"calling_ae": self.caller.calling_ae, "host": self.caller.host, "association": self.caller.association}


def _with_spaces(whole: bytes) -> bytearray:
    """Return a PDU in which both AE titles of an association request are padded with spaces, as PS3.8 wants it.

    Old modalities pad with NUL, which pynetdicom does not decode.
    """
    pdu = bytearray(whole)
    if whole[0] == _REQUEST:
        for place in (_CALLED_TITLE, _CALLING_TITLE):
            title = whole[place]
            pdu[place] = title.rstrip(b"\0 ").ljust(len(title))
    return pdu


def _titles_of(whole: bytes) -> str:
    """Name caller and called as they came, for a request that cannot be decoded; a log writes no raw bytes."""
    if whole[0] != _REQUEST or len(whole) < _CALLING_TITLE.stop:
        return ""
    return f": calling {whole[_CALLING_TITLE]!r}, called {whole[_CALLED_TITLE]!r}"


class _TellingQueue(queue.Queue[Any]):
    """The queue of what concerns the association; it also ends the association thread's waiting for a message."""

    def __init__(self, assoc: Any) -> None:
        super().__init__()
        self._assoc = assoc

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put, then put pynetdicom's own sign for "no message" beside it."""
        super().put(item, block, timeout)
        self._assoc.dimse.msg_queue.put((None, None))
