"""Storage commitment as SCP (standards 6.3; PS3.4 annex J): off unless a peer's setting turns it on.

A modality may delete its originals on our word, so an instance is committed only if the **archive** holds it. Asking
takes time: the request is answered at once, the report follows on the same association, or on one that we open to
the peer where its setting names its listener.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from pydicom.dataset import Dataset
from pynetdicom.presentation import build_role

from node.application_entity import application_entity
from node.receive.classes import STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE
from node.receive.contexts import commitment_context
from node.receive.reception import Reception
from node.receive.status import Status
from node.settings import Peer, Receive
from node.store.journal import Event

_ATTEMPTS = 3
_BETWEEN_ATTEMPTS_S = 5.0
_ANSWERED_WITHIN_S = 10.0
_REQUEST, _ALL_HELD, _SOME_MISSING = 1, 1, 2  # action type; event types

_log = structlog.get_logger("node.receive")

ArchiveHolds = Callable[[Sequence[str]], frozenset[str]]  # SOP Instance UIDs asked for → those that the archive holds


@dataclass(frozen=True, slots=True)
class Request:
    """One transaction: its UID and (class, instance) of what is to be committed."""

    transaction_uid: str
    instances: tuple[tuple[str, str], ...]


def nothing_is_held(_sop_uids: Sequence[str]) -> frozenset[str]:
    """Stand in for the archive where none is configured: nothing is promised."""
    return frozenset()


class CommitmentProvider:
    """Answers N-ACTION requests of peers that may ask."""

    def __init__(self, settings: Receive, reception: Reception, archive_holds: ArchiveHolds) -> None:
        self._settings = settings
        self._reception = reception
        self._archive_holds = archive_holds
        self._stopping = threading.Event()

    def on_action(self, event: Any) -> tuple[int, None]:
        """Take a request (pynetdicom's EVT_N_ACTION) and report later."""
        caller = event.assoc.dul.caller
        peer = self._peer(caller.calling_ae)
        if peer is None:
            return Status.NOT_AUTHORISED, None
        if event.action_type != _REQUEST:
            return Status.INVALID_ARGUMENT, None
        request = _read(event.action_information)
        if request is None:
            return Status.INVALID_ARGUMENT, None
        self._reception.journal.write(
            Event.COMMITMENT,
            association=caller.association,
            calling=caller.calling_ae,
            transaction=request.transaction_uid,
            sops=[sop for _, sop in request.instances],
        )
        answered = event.assoc.dimse.after_next_message()
        threading.Thread(target=self._report, args=(event.assoc, peer, request, answered), daemon=True).start()
        return Status.SUCCESS, None

    def _peer(self, calling_ae: str) -> Peer | None:
        """Find who asks; None for a peer that was let in for its answers to us alone."""
        return next((p for p in self._settings.peers if p.ae_title == calling_ae and p.storage_commitment), None)

    def stop(self) -> None:
        """End the waiting between attempts."""
        self._stopping.set()

    def _report(self, association: Any, peer: Peer, request: Request, answered: threading.Event) -> None:
        """Ask the archive and tell the peer, behind the answer to its request."""
        held = self._held(request)
        answered.wait(_ANSWERED_WITHIN_S)
        kind = _ALL_HELD if all(sop in held for _, sop in request.instances) else _SOME_MISSING
        report = _encode(request, held)
        for _ in range(_ATTEMPTS):
            if self._send(association, peer, report, kind):
                return
            if self._stopping.wait(_BETWEEN_ATTEMPTS_S):
                break
        _log.error("receive.commitment_unreported", calling_ae=peer.ae_title, transaction=request.transaction_uid,
                   setting="receive.peers: commitment_host and commitment_port")  # fmt: skip

    def _held(self, request: Request) -> frozenset[str]:
        """Ask the archive; without an answer nothing is held."""
        try:
            return self._archive_holds([sop for _, sop in request.instances])
        except OSError as error:
            _log.error("receive.archive_silent", reason=str(error), transaction=request.transaction_uid)
            return frozenset()

    def _send(self, association: Any, peer: Peer, report: Dataset, kind: int) -> bool:
        """Send the report on the one association or the other."""
        if peer.commitment_port is None:
            if not association.is_established:
                return False
            with association.dimse.reserved():
                return _tell(association, report, kind)
        ae = application_entity(self._settings.ae_title)
        context = commitment_context()
        ae.add_requested_context(context.abstract_syntax, context.transfer_syntax)
        role = build_role(STORAGE_COMMITMENT, scp_role=True)
        host = peer.commitment_host or "127.0.0.1"
        try:
            opened = ae.associate(host, peer.commitment_port, ae_title=peer.ae_title, ext_neg=[role])
        except (OSError, UnicodeError) as error:  # the name of the host has no address
            _log.error("receive.commitment_host_unknown", host=host, peer=peer.ae_title, reason=str(error))
            return False
        if not opened.is_established:
            return False
        try:
            return _tell(opened, report, kind)
        finally:
            opened.release()


def _read(information: Dataset | None) -> Request | None:
    """Read the action information; None where it lacks what the standard demands."""
    if information is None or not information.get("TransactionUID"):
        return None
    instances = tuple(
        (str(item.get("ReferencedSOPClassUID", "")), str(item.get("ReferencedSOPInstanceUID", "")))
        for item in information.get("ReferencedSOPSequence") or ()
    )
    return Request(str(information.TransactionUID), instances) if instances else None


def _encode(request: Request, held: frozenset[str]) -> Dataset:
    """Encode the event information: what is held, and what is not with its reason."""
    report = Dataset()
    report.TransactionUID = request.transaction_uid
    committed = [_reference(one) for one in request.instances if one[1] in held]
    failed = [_reference(one) for one in request.instances if one[1] not in held]
    for item in failed:
        item.FailureReason = int(Status.NO_SUCH_OBJECT)
    if committed:
        report.ReferencedSOPSequence = committed
    if failed:
        report.FailedSOPSequence = failed
    return report


def _reference(instance: tuple[str, str]) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = instance
    return item


def _tell(association: Any, report: Dataset, kind: int) -> bool:
    """Send one N-EVENT-REPORT and tell whether the peer took it."""
    try:
        status, _ = association.send_n_event_report(report, kind, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE)
    except (RuntimeError, ValueError) as error:  # the association is over, or the peer does not take our role
        _log.warning("receive.commitment_not_told", reason=str(error))
        return False
    return "Status" in status and status.Status == Status.SUCCESS
