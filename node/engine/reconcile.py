"""Putting the queue right with the files: work of another version is begun anew, a forgotten case is queued.

Every step may be repeated: what is kept is kept, what a destination holds is not sent again. So a workflow of another
version of the steps needs no translation: it starts from its first step under ours, once no process of that version
holds it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog
from dbos import DBOSClient, WorkflowStatus

from node.engine.case_catalogue import CaseCatalogue
from node.engine.case_file import CaseFile, result_folder
from node.engine.delivery_file import Delivery, Stage, all_deliveries
from node.engine.outbox import kept
from node.engine.queueing import deliver_anew, enqueue_anew, unfinished_deliveries
from node.engine.slots import Lock
from node.engine.steps import SAFE_FILE
from node.engine.stopped import why_stopped
from node.engine.version import STEPS_VERSION
from node.engine.workflows import CASES, DELIVERIES, WAKE
from node.errors import Misconfigured

_QUEUES = {"case": CASES, "deliver": DELIVERIES}
_OPEN = ["ENQUEUED", "PENDING", "DELAYED"]


def adopt_other_versions(
    engine: DBOSClient, own_slot: str, take: Callable[[str], Lock | None], *, version: str = STEPS_VERSION
) -> tuple[str, ...]:
    """Begin the unfinished work of other versions anew under ours; return the workflows' ids.

    Parameters
    ----------
    own_slot : held by this process, so whatever else ran in it is dead.
    take : takes the lock of a slot, or returns None where its worker lives: then it finishes its own work.
    """
    adopted = []
    for workflow in engine.list_workflows(status=_OPEN, load_input=False, load_output=False):
        if workflow.app_version in (None, version) or workflow.name not in _QUEUES:
            continue
        executor = workflow.executor_id
        held_by_nobody = executor in (None, "", own_slot)
        lock = None if held_by_nobody else take(str(executor))
        if lock is None and not held_by_nobody:
            continue
        try:
            engine.cancel_workflow(workflow.workflow_id)
            _begin_anew(engine, workflow, version)
        finally:
            if lock is not None:
                lock.release()
        adopted.append(workflow.workflow_id)
    if adopted:
        structlog.get_logger().warning("engine.other_version_adopted", n_workflows=len(adopted))
    return tuple(adopted)


def queue_forgotten(
    engine: DBOSClient, catalogue: CaseCatalogue, destinations: Sequence[str], *, version: str = STEPS_VERSION
) -> tuple[str, ...]:
    """Queue the cases on disk that have no end here and that the engine does not know, or takes to have ended.

    It was cut off while adopting, or its database is newer or older than the files, as after a restore.

    Parameters
    ----------
    destinations : the names of those that are configured.
    """
    known = {w.workflow_id: w for w in engine.list_workflows(name="case", load_input=False, load_output=False)}
    queued = []
    for case, folder in _open_cases(catalogue):
        with _damage_costs_this_case_alone(case):
            workflow = known.get(case.workflow_id)
            if workflow is None or (workflow.status == "SUCCESS" and _has_no_end(engine, case, folder, destinations)):
                enqueue_anew(engine, case)
            elif workflow.status == "CANCELLED":
                _begin_anew(engine, workflow, version)
            else:
                continue
            queued.append(case.workflow_id)
    return tuple(queued)


def wake_deliveries(engine: DBOSClient, catalogue: CaseCatalogue) -> tuple[str, ...]:
    """Go on with deliveries that would not by themselves, or not soon; return the ids of their cases.

    One whose workflow ended in an error is begun anew. One whose credentials were refused is tried now: a restart is
    what a person was told to do after correcting them.
    """
    ended = {w.workflow_id for w in engine.list_workflows(name="case", status="SUCCESS", load_input=False)}
    woken = []
    for case, folder in _open_cases(catalogue):
        if case.workflow_id not in ended:
            continue
        with _damage_costs_this_case_alone(case):
            woken += [case.workflow_id for delivery in all_deliveries(folder) if _wake(engine, case, delivery)]
    return tuple(woken)


def _wake(engine: DBOSClient, case: CaseFile, delivery: Delivery) -> bool:
    """Go on with one delivery, and tell whether that was needed."""
    if delivery.stage is not Stage.WAITING:
        return False
    alive = unfinished_deliveries(engine, case.workflow_id, delivery.destination)
    if not alive:
        deliver_anew(engine, case.workflow_id, delivery.destination)
        return True
    if not delivery.is_unauthorised:
        return False
    for workflow_id in alive:
        engine.send(workflow_id, "now", topic=WAKE)
    return True


def _open_cases(catalogue: CaseCatalogue) -> Iterator[tuple[CaseFile, Path]]:
    """Return the cases that are neither safe nor stopped, each with its folder."""
    for case in catalogue.all():
        folder = result_folder(catalogue.data_dir, case.workflow_id)
        with _damage_costs_this_case_alone(case):
            if (folder / SAFE_FILE).exists() or why_stopped(folder) is not None:
                continue
            yield case, folder


@contextmanager
def _damage_costs_this_case_alone(case: CaseFile) -> Iterator[None]:
    """Say that a file of a case is damaged, and go on."""
    try:
        yield
    except Misconfigured as error:
        structlog.get_logger().error(
            "engine.case_damaged", workflow_id=case.workflow_id, code=error.code, why=error.message
        )


def _has_no_end(engine: DBOSClient, case: CaseFile, folder: Path, destinations: Sequence[str]) -> bool:
    """Whether nobody would ever make or deliver what an ended workflow should have made or delivered."""
    if kept(folder) is None:
        return True
    deliveries = all_deliveries(folder)
    if not deliveries:
        return bool(case.goes_to(destinations))
    return all(
        d.stage is Stage.SAFE and not unfinished_deliveries(engine, case.workflow_id, d.destination) for d in deliveries
    )


def _begin_anew(engine: DBOSClient, workflow: WorkflowStatus, version: str) -> None:
    engine.rewind_workflow(
        workflow.workflow_id,
        application_version=version,
        queue_name=_QUEUES[workflow.name],
        queue_partition_key=workflow.queue_partition_key,
    )
