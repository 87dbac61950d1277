"""Taking over the work of a dead worker: its slot's lock is free, so nobody holds what it had begun.

The library's public answer is a separate commercial service. `_recover_pending_workflows` is private; it matches only
rows that still name the dead executor, so a second call, or one from another worker, changes nothing. A contract test
holds the exact version to that.
"""

from collections.abc import Callable, Iterable

import structlog
from dbos import DBOS

from node.engine.slots import Lock


def reap(own_slot: str, take: Callable[[str], Lock | None]) -> tuple[str, ...]:
    """Put the work of dead executors back into the queue, and return their names.

    Parameters
    ----------
    take : takes the lock of a slot, or returns None where its worker lives.
    """
    reaped = []
    for executor in _executors_with_work(own_slot):
        lock = take(executor)
        if lock is None:
            continue
        try:
            taken = DBOS._recover_pending_workflows([executor])
        finally:
            lock.release()
        if taken:
            structlog.get_logger().warning("engine.took_over", slot=executor, n_workflows=len(taken))
            reaped.append(executor)
    return tuple(reaped)


def _executors_with_work(own_slot: str) -> Iterable[str]:
    pending = DBOS.list_workflows(
        status="PENDING", app_version=DBOS.application_version, load_input=False, load_output=False
    )
    return sorted({str(w.executor_id) for w in pending if w.executor_id and w.executor_id != own_slot})
