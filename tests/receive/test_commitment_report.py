"""An archive's answer to our own storage commitment request, on an association that the archive opens."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import config as pydicom_config
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.presentation import build_role
from pynetdicom.sop_class import StorageCommitmentPushModel, StorageCommitmentPushModelInstance

from node.receive.commitment import nothing_is_held
from node.receive.serving import Receiver, open_ports
from node.settings import Disk, Receive
from node.store.commitments import CommitmentAnswer, note_asked, read_answer

OURS = "1.2.3.100"


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A receiver that waits for answers of PACS, and lets OTHER call too."""
    settings = Receive.model_validate({"port": 0, "peers": [{"ae_title": "PACS"}, {"ae_title": "OTHER"}]})
    disk = Disk(soft_free_gib=0, hard_free_gib=0)
    ports = open_ports(settings)
    with Receiver(settings, disk, tmp_path, ports, archive_holds=nothing_is_held, answers_from=frozenset(("PACS",))):
        yield ports.plain_port
    ports.close()


def report(port: int, transaction: str, *, calling: str = "PACS") -> int | None:
    """Report one instance as committed and one as failed; return the status, None where we were not let in."""
    information = Dataset()
    with pydicom_config.disable_value_validation():
        information.TransactionUID = transaction
    good, bad = Dataset(), Dataset()
    good.ReferencedSOPClassUID = bad.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"
    good.ReferencedSOPInstanceUID, bad.ReferencedSOPInstanceUID, bad.FailureReason = "1.2.1", "1.2.2", 0x0112
    information.ReferencedSOPSequence, information.FailedSOPSequence = [good], [bad]
    archive = AE(ae_title=calling)
    archive.add_requested_context(StorageCommitmentPushModel)
    roles = [build_role(StorageCommitmentPushModel, scp_role=True)]
    association = archive.associate("127.0.0.1", port, ae_title="LUNGNODE", ext_neg=roles)
    if not association.is_established:
        return None
    with pydicom_config.disable_value_validation():
        status, _ = association.send_n_event_report(
            information, 2, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
        )
    association.release()
    return int(status.Status)


def test_an_answer_to_our_request_is_kept(port: int, tmp_path: Path) -> None:
    note_asked(tmp_path / "commitments", OURS)
    assert report(port, OURS) == 0x0000
    assert read_answer(tmp_path / "commitments", OURS) == CommitmentAnswer(frozenset(("1.2.1",)), {"1.2.2": 0x0112})


@pytest.mark.parametrize("transaction", ["1.2.3.999", "..", "1.2.3.100/../x"])
def test_an_answer_that_nobody_asked_for_is_refused(port: int, tmp_path: Path, transaction: str) -> None:
    note_asked(tmp_path / "commitments", OURS)
    assert report(port, transaction) == 0x0115
    assert [p.name for p in (tmp_path / "commitments").iterdir()] == [f"{OURS}.asked"]


def test_a_peer_of_whom_no_answer_is_expected_is_not_offered_the_service(port: int) -> None:
    assert report(port, OURS, calling="OTHER") is None


def test_two_answers_at_once_do_no_harm(port: int, tmp_path: Path) -> None:
    note_asked(tmp_path / "commitments", OURS)
    threads = [threading.Thread(target=report, args=(port, OURS)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_answer(tmp_path / "commitments", OURS) is not None
