"""Results that wait because their study was deleted at their destination (DLV-NOSTUDY) go on when it is back there.

The destination is asked for the study once in a while, and only where something waits for one. Nothing is sent on the
word of this answer: the delivery begins anew with all its questions (identity, study) as `jobs replay` begins it.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog
from dbos import DBOSClient

from node.engine.case_catalogue import CaseCatalogue
from node.engine.case_file import result_folder
from node.engine.delivery import NO_STUDY
from node.engine.delivery_file import Delivery, Stage, all_deliveries, write_delivery
from node.engine.full_disk import MAY_BE_FULL, code_of
from node.engine.outside import ways
from node.engine.queueing import deliver_anew
from node.engine.runtime import client
from node.engine.stopped import why_stopped
from node.engine.worker import slot_when_free
from node.errors import Misconfigured, WorldUnavailable
from node.settings import Destination, Settings
from node.settings_values import STUDIES_SLOT

_ASK_EVERY_S = 600.0

HoldsStudy = Callable[[str, Destination], bool]


def studies_loop(settings: Settings, stopping: threading.Event) -> None:
    """Look for studies that are back; of several workers one does."""
    if not any(destination.needs_study for destination in settings.destinations):
        stopping.wait()  # a loop that ends takes its worker with it
        return
    lock = slot_when_free(settings, STUDIES_SLOT, stopping)
    if lock is None:
        return
    try:
        while not stopping.wait(_ASK_EVERY_S):
            _look(settings)
    finally:
        lock.release()


def _look(settings: Settings) -> None:
    """Look once; a database or a disk that is lost, or a damaged file, only delays it."""
    try:
        engine = client(settings)
        try:
            go_on_where_back(settings, engine, ways(settings).holds_study)
        finally:
            engine.destroy()
    except MAY_BE_FULL as error:
        structlog.get_logger().error("engine.studies_wait", code=code_of(error), error=type(error).__name__)


def go_on_where_back(settings: Settings, engine: DBOSClient, holds_study: HoldsStudy) -> tuple[tuple[str, str], ...]:
    """Begin the held deliveries anew whose study is back; return the case and the destination of each."""
    destinations = {destination.name: destination for destination in settings.destinations}
    begun = []
    for case in CaseCatalogue(settings.data_dir).all():
        folder = result_folder(settings.data_dir, case.workflow_id)
        if why_stopped(folder) is not None:
            continue
        for delivery in _held(folder):
            destination = destinations.get(delivery.destination)
            if destination is None or not _is_back(case.study_instance_uid, destination, holds_study):
                continue
            why = f"the study is at {destination.name} again"
            write_delivery(folder, replace(delivery, stage=Stage.WAITING, attempts=0, next_s=None, why=why))
            deliver_anew(engine, case.workflow_id, destination.name)
            begun.append((case.workflow_id, destination.name))
            structlog.get_logger().info("engine.study_back", workflow_id=case.workflow_id, destination=destination.name)
    return tuple(begun)


def _held(folder: Path) -> tuple[Delivery, ...]:
    """Return the deliveries of a case that wait for their study; a damaged file costs its case alone."""
    try:
        found = all_deliveries(folder)
    except Misconfigured as error:
        structlog.get_logger().error("engine.case_damaged", workflow_id=folder.name, code=error.code, why=error.message)
        return ()
    return tuple(d for d in found if d.stage is Stage.HELD and d.why.startswith(NO_STUDY))


def _is_back(study_uid: str, destination: Destination, holds_study: HoldsStudy) -> bool:
    try:
        return holds_study(study_uid, destination)
    except (WorldUnavailable, Misconfigured):
        return False  # asked again later; a destination that is not there is told by what is delivered to it
