"""How often the queues are looked at: often while anything is on its way, seldom on an idle node.

Each look costs a few statements on the engine's database; five a second and queue are three per cent of a core.
"""

import time

from dbos import DBOSClient

from node.engine.workflows import CASES, DELIVERIES

_RESTING_S = 2.0
_IDLE_AFTER_S = 30.0


class Pace:
    """The polling interval of both queues, kept in the engine's database for all workers."""

    def __init__(self, engine: DBOSClient, busy_s: float) -> None:
        self._engine = engine
        self._busy_s = busy_s
        self._is_busy: bool | None = None
        self._since_s = time.monotonic()

    def hurry(self) -> None:
        """Look often: something arrives, long before it is complete."""
        self._since_s = time.monotonic()
        if self._is_busy is not True:
            self._set(self._busy_s)
            self._is_busy = True

    def rest(self) -> None:
        """Look seldom once nothing has arrived for a while and nothing is queued or running."""
        if self._is_busy is False or time.monotonic() - self._since_s < _IDLE_AFTER_S:
            return
        self._since_s = time.monotonic()
        if not self._engine.list_workflows(status=["ENQUEUED", "PENDING", "DELAYED"], limit=1, load_input=False):
            self._set(max(_RESTING_S, self._busy_s))
            self._is_busy = False

    def _set(self, interval_s: float) -> None:
        for name in (CASES, DELIVERIES):
            queue = self._engine.retrieve_queue(name)
            if queue is not None:
                queue.set_polling_interval_sec(interval_s)
