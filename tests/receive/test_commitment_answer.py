"""Reading an N-EVENT-REPORT: one reader, whatever an archive leaves out."""

import pytest
from pydicom.dataset import Dataset

from node.receive.commitment_answer import read_report
from node.receive.status import Status
from node.store.commitments import CommitmentAnswer


def item(uid: str | None = None, **more: object) -> Dataset:
    one = Dataset()
    if uid is not None:
        one.ReferencedSOPInstanceUID = uid
    for keyword, value in more.items():
        setattr(one, keyword, value)
    return one


def report(**sequences: list[Dataset]) -> Dataset:
    information = Dataset()
    information.TransactionUID = "1.2.9"
    for keyword, items in sequences.items():
        setattr(information, keyword, items)
    return information


@pytest.mark.parametrize(
    ("information", "committed", "failed"),
    [
        pytest.param(report(ReferencedSOPSequence=[item("1.1")]), {"1.1"}, {}, id="committed"),
        pytest.param(report(FailedSOPSequence=[item("1.1", FailureReason=274)]), set(), {"1.1": 274}, id="failed"),
        pytest.param(
            report(FailedSOPSequence=[item("1.1")]), set(), {"1.1": Status.PROCESSING_FAILURE}, id="without a reason"
        ),
        pytest.param(
            report(FailedSOPSequence=[item("1.1", FailureReason=None)]), set(),
            {"1.1": Status.PROCESSING_FAILURE}, id="with an empty reason",
        ),
        pytest.param(
            report(ReferencedSOPSequence=[item("1.1")], FailedSOPSequence=[item("1.1", FailureReason=1)]), set(),
            {"1.1": 1}, id="under both",
        ),
        pytest.param(
            report(ReferencedSOPSequence=[item(), item("1.2")], FailedSOPSequence=[item()]), {"1.2"}, {},
            id="an item without its instance",
        ),
        pytest.param(report(), set(), {}, id="nothing"),
    ],
)  # fmt: skip
def test_what_an_archive_says_is_read(information: Dataset, committed: set[str], failed: dict[str, int]) -> None:
    assert read_report(information) == ("1.2.9", CommitmentAnswer(frozenset(committed), failed))


@pytest.mark.parametrize("information", [None, Dataset()], ids=["no information", "no transaction"])
def test_without_a_transaction_it_is_no_answer(information: Dataset | None) -> None:
    assert read_report(information) is None
