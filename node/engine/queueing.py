"""Putting cases and deliveries into the queues, from any process."""

import re
import time
from enum import IntEnum

from dbos import DBOSClient, EnqueueOptions

from node.engine.case_file import CaseFile
from node.engine.stopped import FINISHED
from node.engine.workflows import CASES, DELIVERIES, delivery_id


class Rank(IntEnum):
    """The order in which waiting cases are taken; lower first. Named as the priorities of `route`."""

    URGENT = 1
    NORMAL = 2
    OFF_PEAK = 3


def rank_of(priority: str) -> Rank:
    """Return the rank of a priority by its name."""
    return Rank[priority.upper().replace("-", "_")]


def enqueue_case(engine: DBOSClient, case: CaseFile) -> None:
    """Queue a case that is on disk; one that the engine knows is left as it is."""
    options: EnqueueOptions = {
        "workflow_name": "case",
        "queue_name": CASES,
        "workflow_id": case.workflow_id,
        "priority": rank_of(case.priority).value,
    }
    delay_s = case.not_before_s - time.time()
    if delay_s > 0:
        options["delay_seconds"] = delay_s
    engine.enqueue(options, case.workflow_id)


def enqueue_anew(engine: DBOSClient, case: CaseFile) -> None:
    """Queue a case of which nothing is made here, whatever the engine remembers: its results may have been removed."""
    forget_ended(engine, case.workflow_id)
    enqueue_case(engine, case)


def forget_ended(engine: DBOSClient, workflow_id: str) -> None:
    """Forget the workflows of a case and of its deliveries that have ended; the engine begins no id that it knows."""
    found = engine.list_workflows(workflow_id_prefix=workflow_id, load_input=False, load_output=False)
    ended = [w.workflow_id for w in found if w.status in FINISHED]
    if ended:
        engine.delete_workflows(ended)


def enqueue_delivery(engine: DBOSClient, workflow_id: str, destination: str, *, due_s: float, replay: int) -> None:
    """Queue a further delivery of kept objects."""
    engine.enqueue(
        {
            "workflow_name": "deliver",
            "queue_name": DELIVERIES,
            "workflow_id": delivery_id(workflow_id, destination, replay),
            "queue_partition_key": destination,
        },
        workflow_id,
        destination,
        due_s,
    )


def unfinished_deliveries(engine: DBOSClient, workflow_id: str, destination: str) -> list[str]:
    """Return the workflows that still deliver to a destination, not to another whose name begins alike."""
    first = delivery_id(workflow_id, destination)
    found = engine.list_workflows(workflow_id_prefix=first, load_input=False, load_output=False)
    own = [w for w in found if re.fullmatch(rf"{re.escape(first)}(-r\d+)?", w.workflow_id)]
    return [w.workflow_id for w in own if w.status not in FINISHED]


def deliver_anew(engine: DBOSClient, workflow_id: str, destination: str) -> None:
    """Queue a further delivery beside those that ended; its time to give up begins now."""
    n_before = len(engine.list_workflows(workflow_id_prefix=delivery_id(workflow_id, destination)))
    enqueue_delivery(engine, workflow_id, destination, due_s=time.time(), replay=n_before)
