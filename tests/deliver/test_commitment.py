"""Storage commitment: asked, answered at once or later, refused."""

import threading

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import evt
from pynetdicom.sop_class import StorageCommitmentPushModel, StorageCommitmentPushModelInstance

from node.deliver.commitment import NotRequested, Requested, request
from node.store.commitments import CommitmentAnswer


def report(transaction: str, objects: tuple, failed: dict[str, int]) -> Dataset:
    information = Dataset()
    information.TransactionUID = transaction
    for keyword in ("ReferencedSOPSequence", "FailedSOPSequence"):
        items = []
        for o in objects:
            if (o.sop_instance_uid in failed) == (keyword == "FailedSOPSequence"):
                item = Dataset()
                item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = o.sop_class_uid, o.sop_instance_uid
                if o.sop_instance_uid in failed:
                    item.FailureReason = failed[o.sop_instance_uid]
                items.append(item)
        setattr(information, keyword, items)
    return information


@pytest.fixture
def answering(start_peer, objects):
    """A peer that answers on the same association, about the transaction it is told."""

    def start(failed: dict[str, int], transaction: str | None = None):
        def act(event: evt.Event) -> int:
            information = report(transaction or event.action_information.TransactionUID, objects, failed)

            def later() -> None:
                event.assoc.send_n_event_report(
                    information, 2 if failed else 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
                )

            threading.Timer(0.05, later).start()
            return 0x0000

        return start_peer(on_action=act)

    return start


def test_all_committed_on_the_same_association(answering, objects) -> None:
    peer = answering({})
    asked = request(objects, peer.destination(), generate_uid(), calling="NODE", wait_s=10)
    assert asked == Requested(CommitmentAnswer(frozenset(o.sop_instance_uid for o in objects), {}))


def test_a_failure_is_named_with_its_reason(answering, objects) -> None:
    seg, sr = (o.sop_instance_uid for o in objects)
    asked = request(objects, answering({seg: 0x0112}).destination(), generate_uid(), calling="NODE", wait_s=10)
    assert asked == Requested(CommitmentAnswer(frozenset((sr,)), {seg: 0x0112}))


def test_an_answer_about_another_transaction_is_not_ours(answering, objects) -> None:
    peer = answering({}, transaction="1.2.3")
    assert request(objects, peer.destination(), generate_uid(), calling="NODE", wait_s=1) == Requested(None)


def test_a_request_names_each_object_once_under_its_transaction(start_peer, objects) -> None:
    peer = start_peer(on_action=lambda _: 0x0000)
    request((*objects, objects[0]), peer.destination(), "1.2.3", calling="NODE", wait_s=0)
    named = [i.ReferencedSOPInstanceUID for i in peer.committing[0].ReferencedSOPSequence]
    assert (peer.committing[0].TransactionUID, named) == ("1.2.3", [o.sop_instance_uid for o in objects])


def test_a_peer_without_the_service_says_so(start_peer, objects) -> None:
    asked = request(objects, start_peer().destination(), "1.2.3", calling="NODE", wait_s=0)
    assert isinstance(asked, NotRequested)
    assert asked.status == "context-refused"


def test_a_refused_request_keeps_its_status(start_peer, objects) -> None:
    peer = start_peer(on_action=lambda _: 0x0110)
    asked = request(objects, peer.destination(), "1.2.3", calling="NODE", wait_s=0)
    assert asked == NotRequested("0x0110", "the peer refused the request")
