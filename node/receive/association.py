"""The acceptor's side of one association: who may call, our own reading, and what is told to the journal.

Subclasses of pynetdicom 3.0.4; see `stream.py` for what is replaced and why.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import structlog
from pynetdicom import evt
from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.acse import ACSE
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider

from node.receive.allow import Refused, disk_fails, disk_full, is_loopback, judge, too_many
from node.receive.reception import Caller, Reception
from node.receive.stream import StreamReader
from node.settings import Peer, Receive
from node.store.journal import Event

_WAIT_S = 0.25
_RESERVED_S = 0.01

_log = structlog.get_logger("node.receive")


class Acceptor(Association):  # type: ignore[misc]  # pynetdicom has no types
    """One association with a peer that called us."""

    def __init__(
        self, ae: Any, settings: Receive, reception: Reception, contexts_for: Callable[[Peer], list[Any]]
    ) -> None:
        super().__init__(ae, MODE_ACCEPTOR)
        self.settings = settings
        self.reception = reception
        self.contexts_for = contexts_for
        self.acse = Gate(self)
        self.dul = StreamReader(self, reception)
        self.dimse = WaitingMessages(self)
        self.acse_timeout = ae.acse_timeout  # again: these setters reach into the DUL's timers
        self.network_timeout = ae.network_timeout

    def run_reactor(self) -> None:
        """Run as pynetdicom does, and note how the association ended."""
        try:
            super().run_reactor()
        finally:
            caller = self.dul.caller
            if caller is not None:
                event = Event.RELEASED if self.is_released else Event.ABORTED
                self.reception.ended(caller, event, tuple(self.dul.studies), self.dul.n_instances)


class Gate(ACSE):  # type: ignore[misc]  # pynetdicom has no types
    """Association negotiation with our allow-list in front."""

    def _negotiate_as_acceptor(self) -> None:
        """Refuse with one line in the log, or let pynetdicom negotiate."""
        request, assoc = self.requestor.primitive, self.assoc
        calling, called = request.calling_ae_title.strip(), request.called_ae_title.strip()
        verdict = self._verdict(calling, called, self.requestor.address)
        if isinstance(verdict, Refused):
            self._refuse(calling, called, verdict)
            return
        caller = Caller(uuid4().hex[:16], calling, called, self.requestor.address, verdict.classes)
        try:
            assoc.reception.opened(caller)
        except OSError as error:  # read-only after an error, over a quota, a drive that is away: none is short of room
            self._refuse(calling, called, disk_fails(str(error.strerror)))
            return
        self.acceptor.ae_title = called
        self.acceptor.supported_contexts = assoc.contexts_for(verdict)
        assoc.dul.caller = caller
        super()._negotiate_as_acceptor()

    def _refuse(self, calling: str, called: str, verdict: Refused) -> None:
        """Reject with one line in the log."""
        assoc = self.assoc
        own_probe = calling == assoc.settings.ae_title and is_loopback(self.requestor.address)
        say = _log.debug if own_probe else _log.warning  # `doctor` only asks whether somebody answers
        say(
            "receive.association_refused", calling_ae=calling, called_ae=called, host=self.requestor.address,
            reason=verdict.reason, setting=verdict.setting,
        )  # fmt: skip
        self.requestor.ae_title = calling
        self.send_reject(*verdict.rejection.value)
        evt.trigger(assoc, evt.EVT_REJECTED, {})
        assoc.kill()

    def _verdict(self, calling: str, called: str, host: str) -> Peer | Refused:
        """Judge who calls first, then whether there is room."""
        settings, reception = self.assoc.settings, self.assoc.reception
        verdict = judge(settings, calling, called, host)
        if isinstance(verdict, Refused):
            return verdict
        if reception.tally.total() >= settings.maximum_associations:
            return too_many(settings.maximum_associations)
        try:
            return verdict if reception.has_room else disk_full(reception.marks.hard_bytes)
        except OSError as error:  # a drive that is away
            return disk_fails(str(error.strerror))


class WaitingMessages(DIMSEServiceProvider):  # type: ignore[misc]  # pynetdicom has no types
    """Asked for a message "now" it waits a little, so that nobody polls every millisecond; sends one at a time."""

    def __init__(self, assoc: Any) -> None:
        super().__init__(assoc)
        self._sending = threading.Lock()
        self._told: list[threading.Event] = []
        self._looking = threading.Lock()
        self._reserved = False

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """Keep what comes for the one who waits for an answer: the reactor looks for no message meanwhile."""
        self._reserved = True
        self.msg_queue.put((None, None))  # ends the reactor's present look
        with self._looking:
            while self.peek_msg() == (None, None) and not self.msg_queue.empty():
                self.msg_queue.get_nowait()
        try:
            yield
        finally:
            self._reserved = False

    def after_next_message(self) -> threading.Event:
        """Return what is set when the next message has been queued for the peer: the answer to the present one."""
        told = threading.Event()
        self._told.append(told)
        return told

    def send_msg(self, primitive: Any, context_id: int) -> None:
        """Send one message whole: a report and an answer of two threads must not be mixed."""
        with self._sending:
            super().send_msg(primitive, context_id)
            told, self._told = self._told, []
        for one in told:
            one.set()

    def get_msg(self, block: bool = False) -> Any:
        """Return the next message; `StreamReader` ends the waiting when something else has happened."""
        if block:
            return super().get_msg(block=True)
        with self._looking:
            if not self._reserved:
                try:
                    return self.msg_queue.get(timeout=_WAIT_S)
                except queue.Empty:
                    return None, None
        time.sleep(_RESERVED_S)
        return None, None
