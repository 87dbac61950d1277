"""Storage commitment as SCU (PS3.4 annex J): will you keep these, and the archive's answer about each.

The answer may come on the association that asked, or later on one that the archive opens to our listener; that one is
kept by `receive` in a file per transaction (`store/commitments.py`).
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import evt
from pynetdicom.sop_class import StorageCommitmentPushModel, StorageCommitmentPushModelInstance

from node.deliver.association import NoAssociation, open_association
from node.deliver.receipt import Outgoing
from node.deliver.status import Status, written
from node.receive.commitment_answer import read_report
from node.settings import Destination
from node.store.commitments import CommitmentAnswer

REQUEST_STORAGE_COMMITMENT = 1  # Action Type ID, PS3.4 J.3.2.1


@dataclass(frozen=True, slots=True)
class Requested:
    """The archive took the request. `answer` is what it said at once, None where the answer is still to come."""

    answer: CommitmentAnswer | None


@dataclass(frozen=True, slots=True)
class NotRequested:
    """The request did not arrive or was refused."""

    status: str
    text: str


def request(
    objects: Sequence[Outgoing], destination: Destination, transaction_uid: str, *, calling: str, wait_s: float
) -> Requested | NotRequested:
    """Ask the archive to commit, and wait a little on the same association for its answer.

    Parameters
    ----------
    transaction_uid : kept by the caller before this call; an answer is known by it.
    wait_s : how long the association is held open for an answer.
    """
    answers: list[CommitmentAnswer] = []
    answered = threading.Event()

    def on_report(event: Any) -> tuple[int, None]:
        said = read_report(event.event_information)
        if said is None or said[0] != transaction_uid:
            return Status.PROCESSING_FAILURE, None
        answers.append(said[1])
        return Status.SUCCESS, None

    def on_sent(_event: Any) -> None:
        if answers:  # our answer to the report has left: a release before it would overtake it
            answered.set()

    contexts = tuple((StorageCommitmentPushModel, s) for s in (ExplicitVRLittleEndian, ImplicitVRLittleEndian))
    handlers = [(evt.EVT_N_EVENT_REPORT, on_report), (evt.EVT_PDU_SENT, on_sent)]
    with open_association(destination, contexts, calling=calling, handlers=handlers) as opened:
        if isinstance(opened, NoAssociation):
            return NotRequested(opened.status, opened.text)
        status, _ = opened.send_n_action(
            _request_of(objects, transaction_uid),
            REQUEST_STORAGE_COMMITMENT,
            StorageCommitmentPushModel,
            StorageCommitmentPushModelInstance,
        )
        if "Status" not in status:
            return NotRequested("no-answer", "the association ended before an answer came")
        if status.Status != Status.SUCCESS:
            return NotRequested(written(status.Status), "the peer refused the request")
        answered.wait(wait_s)
    return Requested(answers[0] if answers else None)


def _request_of(objects: Sequence[Outgoing], transaction_uid: str) -> Dataset:
    information = Dataset()
    information.TransactionUID = transaction_uid
    information.ReferencedSOPSequence = []
    for sent in {o.sop_instance_uid: o for o in objects}.values():
        item = Dataset()
        item.ReferencedSOPClassUID = sent.sop_class_uid
        item.ReferencedSOPInstanceUID = sent.sop_instance_uid
        information.ReferencedSOPSequence.append(item)
    return information
