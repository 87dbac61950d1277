"""The order of the durable steps of a case: the only place where it stands.

    case      analyse -> (a second look) -> (compare with a prior) -> encode -> a workflow for each delivery
    deliver   attempt, wait, attempt ... until safe, held or given up -> settle (clean-up only when all are safe)

A case gives its place free as soon as its deliveries are queued, so a dead archive keeps nobody from being analysed.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from dbos import DBOS, Queue, SetEnqueueOptions, SetWorkflowID
from dbos._error import DBOSWorkflowCancelledError

from node.engine.crew import StepCancelled
from node.engine.database import DATABASE_ERRORS
from node.engine.delivery_file import Stage
from node.engine.full_disk import code_of
from node.engine.steps import Steps
from node.errors import LungnodeError

CASES = "cases"
DELIVERIES = "deliveries"
WAKE = "wake"  # topic of the message that ends a waiting delivery's wait
DELIVERIES_AT_ONCE = 4  # per destination and worker; the others of a dead destination wait in the queue

Cancelled = Callable[[], bool]
Deliver = Callable[[str, str, float], dict[str, Any]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Workflows:
    """The registered workflows."""

    case: Callable[[str], dict[str, Any]]
    deliver: Deliver


@dataclass(frozen=True, slots=True)
class _Durable:
    """The registered steps."""

    analyse: Callable[[str], dict[str, Any]]
    superseded: Callable[[str], bool]
    compare: Callable[[str], dict[str, Any]]
    encode: Callable[[str], list[str]]
    destinations: Callable[[str], list[Any]]
    attempt: Callable[[str, str, float], dict[str, Any]]
    settle: Callable[[str], bool]


def delivery_id(workflow_id: str, destination: str, replay: int = 0) -> str:
    """Return the workflow id of a delivery."""
    return f"{workflow_id}-{destination}" + (f"-r{replay}" if replay else "")


def register(steps: Steps) -> Workflows:
    """Register the workflows with the engine library; once per process, before it is launched."""
    durable = _register_steps(steps)

    # a delivery may wait for days, and each start of a worker counts as an attempt: the library's limit of 100 would
    # leave it to nobody; what ends it is `give_up_after_s`
    @DBOS.workflow(name="deliver", max_recovery_attempts=None)
    def deliver(workflow_id: str, destination: str, due_s: float) -> dict[str, Any]:
        with _kept_or_begun_again(steps):
            while True:
                answer = durable.attempt(workflow_id, destination, due_s)
                if answer["stage"] != Stage.WAITING:
                    break
                DBOS.recv(WAKE, timeout_seconds=answer["wait_s"])
            durable.settle(workflow_id)
            return {"stage": answer["stage"]}

    @DBOS.workflow(name="case")
    def case(workflow_id: str) -> dict[str, Any]:
        with _kept_or_begun_again(steps):
            return _in_order(durable, deliver, workflow_id)

    return Workflows(case, deliver)


def _in_order(durable: _Durable, deliver: Deliver, workflow_id: str) -> dict[str, Any]:
    """Do the steps of a case."""
    found = durable.analyse(workflow_id)
    if "look_again_s" in found:
        DBOS.sleep(found["look_again_s"])
        if durable.superseded(workflow_id):
            return {"outcome": "superseded"}
    if found.get("n_lesions"):
        durable.compare(workflow_id)
    durable.encode(workflow_id)
    names, due_s = durable.destinations(workflow_id)
    for name in names:
        with SetWorkflowID(delivery_id(workflow_id, name)), SetEnqueueOptions(queue_partition_key=name):
            _queue(DELIVERIES).enqueue(deliver, workflow_id, name, due_s)
    if not names:
        durable.settle(workflow_id)
    return found


@contextmanager
def _kept_or_begun_again(steps: Steps) -> Iterator[None]:
    """Have the worker start again where the database did not keep what became of a step, as on a full disk.

    The library leaves such a workflow to nobody: it stands there as begun, and is taken up at a start alone.
    """
    try:
        yield
    except DATABASE_ERRORS as error:
        structlog.get_logger().error("engine.step_unrecorded", workflow_id=DBOS.workflow_id, code=code_of(error))
        steps.unrecorded.set()
        threading.Event().wait()  # the process is about to end: the workflow must not look failed


def _register_steps(steps: Steps) -> _Durable:
    @DBOS.step(name="analyse")
    def analyse(workflow_id: str) -> dict[str, Any]:
        return _recorded("analyse", workflow_id, lambda cancelled: steps.analyse(workflow_id, cancelled), steps)

    @DBOS.step(name="superseded")
    def superseded(workflow_id: str) -> bool:
        return steps.superseded(workflow_id)

    @DBOS.step(name="compare")
    def compare(workflow_id: str) -> dict[str, Any]:
        return _recorded("compare", workflow_id, lambda cancelled: steps.compare(workflow_id, cancelled), steps)

    @DBOS.step(name="encode")
    def encode(workflow_id: str) -> list[str]:
        return _recorded("encode", workflow_id, lambda cancelled: steps.encode(workflow_id, cancelled), steps)

    @DBOS.step(name="destinations")
    def destinations(workflow_id: str) -> list[Any]:
        return [steps.destinations(workflow_id), time.time()]

    @DBOS.step(name="attempt")
    def attempt(workflow_id: str, destination: str, due_s: float) -> dict[str, Any]:
        def step(cancelled: Cancelled) -> dict[str, Any]:
            return steps.attempt(workflow_id, destination, due_s, cancelled)

        def otherwise(error: Exception) -> dict[str, Any]:
            return steps.broken_off(workflow_id, destination, due_s, error)

        return _recorded("attempt", workflow_id, step, steps, destination=destination, otherwise=otherwise)

    @DBOS.step(name="settle")
    def settle(workflow_id: str) -> bool:
        return steps.settle(workflow_id)

    return _Durable(analyse, superseded, compare, encode, destinations, attempt, settle)


def _queue(name: str) -> Queue:
    found = DBOS.retrieve_queue(name)
    if found is None:
        raise LungnodeError("ENG-QUEUE", f"the queue {name!r} is not registered")
    return found


def _recorded(
    name: str,
    workflow_id: str,
    step: Callable[[Cancelled], T],
    steps: Steps,
    *,
    destination: str = "",
    otherwise: Callable[[Exception], T] | None = None,
) -> T:
    """Run a step and log one line about it, whatever becomes of it; `otherwise` gives its value where it raised."""
    own_id = str(DBOS.workflow_id)
    log = structlog.get_logger().bind(workflow_id=workflow_id, step=name)
    log = log.bind(destination=destination) if destination else log
    started_s = time.monotonic()
    try:
        # a cancelled workflow that was queued again at once belongs to another execution, also before that one begins
        mine = (True, _turn(own_id)[1])
        value = step(lambda: _turn(own_id) != mine)
    except StepCancelled:
        if steps.stopping.is_set():
            threading.Event().wait()  # the process is about to end: the step stays unfinished and is taken up again
        log.info("engine.step_cancelled", duration_s=round(time.monotonic() - started_s, 3))
        raise DBOSWorkflowCancelledError(f"workflow {own_id} was cancelled") from None
    except Exception as error:  # the workflow's step wrapper: recorded and raised again (style B7)
        code = error.code if isinstance(error, LungnodeError) else type(error).__name__
        unknown = not isinstance(error, LungnodeError)
        log.error("engine.step_failed", code=code, duration_s=round(time.monotonic() - started_s, 3), exc_info=unknown)
        if otherwise is None:
            raise
        return otherwise(error)
    seen = {key: value[key] for key in ("outcome", "codes", "stage") if key in value} if isinstance(value, dict) else {}
    log.info("engine.step_done", duration_s=round(time.monotonic() - started_s, 3), **seen)
    return value


def _turn(workflow_id: str) -> tuple[bool, int | None]:
    """Return whether the workflow is running, and when it was taken from its queue: which execution has it."""
    found = DBOS.list_workflows(workflow_ids=[workflow_id], load_input=False, load_output=False)
    return (found[0].status == "PENDING", found[0].dequeued_at) if found else (False, None)
