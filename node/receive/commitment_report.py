"""Hearing an archive's answer to a storage commitment request of ours (N-EVENT-REPORT, PS3.4 J.3.3)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from node.receive.commitment_answer import read_report
from node.receive.status import Status
from node.store.commitments import was_asked, write_answer

_log = structlog.get_logger("node.receive")


def report_handler(folder: Path) -> Callable[[Any], tuple[int, None]]:
    """Return the handler that keeps answers in `folder` for whoever asked."""

    def on_report(event: Any) -> tuple[int, None]:
        said = read_report(event.event_information)
        if said is None or not was_asked(folder, said[0]):
            _log.warning("receive.commitment_unknown", calling_ae=event.assoc.dul.caller.calling_ae)
            return Status.INVALID_ARGUMENT, None
        write_answer(folder, *said)
        return Status.SUCCESS, None

    return on_report
