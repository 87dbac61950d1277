"""What an archive says of a storage commitment request (event information of N-EVENT-REPORT, PS3.4 table J.3-2)."""

from pydicom.dataset import Dataset

from node.receive.status import Status
from node.store.commitments import CommitmentAnswer


def read_report(information: Dataset | None) -> tuple[str, CommitmentAnswer] | None:
    """Return the transaction, and what was committed and what not; None where no transaction is named.

    A failure without its reason is taken for one of processing: trying again may help. What is named under both is
    failed.
    """
    transaction_uid = None if information is None else information.get("TransactionUID")
    if information is None or not transaction_uid:
        return None
    failed = {
        _instance(item): int(item.get("FailureReason") or Status.PROCESSING_FAILURE)
        for item in information.get("FailedSOPSequence") or ()
        if _instance(item)
    }
    named = {_instance(item) for item in information.get("ReferencedSOPSequence") or ()} - {""}
    return str(transaction_uid), CommitmentAnswer(frozenset(named - failed.keys()), failed)


def _instance(item: Dataset) -> str:
    return str(item.get("ReferencedSOPInstanceUID") or "")
