"""Hearing an archive's answer to a storage commitment request of ours (N-EVENT-REPORT, PS3.4 J.3.3)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from pydicom.dataset import Dataset

from node.receive.status import Status
from node.store.commitments import CommitmentAnswer, was_asked, write_answer

_log = structlog.get_logger("node.receive")


def report_handler(folder: Path) -> Callable[[Any], tuple[int, None]]:
    """Return the handler that keeps answers in `folder` for whoever asked."""

    def on_report(event: Any) -> tuple[int, None]:
        information = event.event_information
        transaction_uid = str(information.get("TransactionUID") or "") if information is not None else ""
        if not was_asked(folder, transaction_uid):
            _log.warning("receive.commitment_unknown", calling_ae=event.assoc.dul.caller.calling_ae)
            return Status.INVALID_ARGUMENT, None
        write_answer(folder, transaction_uid, _answer(information))
        return Status.SUCCESS, None

    return on_report


def _answer(information: Dataset) -> CommitmentAnswer:
    failed = {
        str(item.get("ReferencedSOPInstanceUID", "")): int(item.get("FailureReason") or Status.NO_SUCH_OBJECT)
        for item in information.get("FailedSOPSequence") or ()
    }
    named = {str(item.get("ReferencedSOPInstanceUID", "")) for item in information.get("ReferencedSOPSequence") or ()}
    return CommitmentAnswer(frozenset(named - failed.keys()), failed)
