"""One worker: its slot, the engine library, its child processes, and the loops beside them."""

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import structlog
from dbos import DBOSClient

from node.engine.case_catalogue import CaseCatalogue
from node.engine.crew import Crew
from node.engine.database import DATABASE_ERRORS, UNREACHABLE
from node.engine.full_disk import tells_full_disk
from node.engine.reaper import reap
from node.engine.reconcile import adopt_other_versions, queue_forgotten, wake_deliveries
from node.engine.runtime import client, database_url, launch
from node.engine.slots import Lock, holder_of, take_slot
from node.engine.steps import Steps
from node.engine.version import STEPS_VERSION
from node.engine.workflows import register
from node.errors import Misconfigured
from node.settings import Settings
from node.store.heartbeat import Heartbeat, worker_heartbeat_file

HEAVY_STEPS = "node.engine.heavy"
_SLOT_WITHIN_S = 5.0  # a predecessor that is just ending, or a reaper that is looking
_REAP_EVERY_S = 5.0

Loop = Callable[[threading.Event], None]


@dataclass(frozen=True, slots=True)
class Worker:
    """A launched worker."""

    settings: Settings
    steps: Steps
    engine: DBOSClient
    version: str
    lock: Lock
    heartbeat: Heartbeat
    loops: tuple[Loop, ...]

    def run(self) -> bool:
        """Work until SIGTERM or SIGINT and return True; False where it cannot go on and is to be started again."""
        stopping = self.steps.stopping
        threads = [threading.Thread(target=loop, args=(stopping,), daemon=True) for loop in self.loops]
        for thread in threads:
            thread.start()
        while not stopping.wait(_REAP_EVERY_S):
            self.heartbeat.beat()
            if not self.lock.is_held():
                structlog.get_logger().error("engine.slot_lost", code="ENG-SLOT", slot=self.settings.engine.slot)
                return False
            if not all(thread.is_alive() for thread in threads):
                structlog.get_logger().error("engine.loop_ended", code="ENG-LOOP", slot=self.settings.engine.slot)
                return False
            if self.steps.unrecorded.is_set():
                return False
            self.steps.crew.end_idle()
            try:
                self._take_over()
            except DATABASE_ERRORS as error:
                if not tells_full_disk("engine.taking_over_waits", error):
                    structlog.get_logger().error("engine.database_lost", code=UNREACHABLE, error=type(error).__name__)
                    return False
        return True

    def _take_over(self) -> None:
        """Take up what dead workers left, of our version of the steps and of others."""

        def take(name: str) -> Lock | None:
            return slot_lock(self.settings, name)

        reap(self.settings.engine.slot, take)
        adopt_other_versions(self.engine, self.settings.engine.slot, take, version=self.version)


def slot_lock(settings: Settings, name: str) -> Lock | None:
    """Take the lock of a slot of this engine, or return None where it is held."""
    return take_slot(name, database_url(settings), slots_folder(settings))


def slot_when_free(settings: Settings, name: str, stopping: threading.Event) -> Lock | None:
    """Wait for the lock of what one worker of all does; None where this one is to stop first."""
    while (lock := slot_lock(settings, name)) is None:
        if stopping.wait(1.0):
            return None
    return lock


def slots_folder(settings: Settings) -> Path:
    """Return where the lock files lie."""
    return settings.data_dir / "engine" / "slots"


def take_own_slot(settings: Settings) -> Lock:
    """Take the lock of this worker's slot.

    Raises
    ------
    Misconfigured
        ENG-SLOT where another living process holds it.
    """
    deadline_s = time.monotonic() + _SLOT_WITHIN_S
    slot = settings.engine.slot
    while (lock := slot_lock(settings, slot)) is None:
        if time.monotonic() > deadline_s:
            holder = holder_of(slot, database_url(settings), slots_folder(settings))
            raise Misconfigured(
                "ENG-SLOT",
                f"another worker runs in slot {slot!r} ({holder}); give each worker its own engine.slot",
            )
        time.sleep(0.1)
    return lock


def end_process(status: int) -> None:
    """End this process now: every step is safe to be cut short, and is taken up again at the next start."""
    os._exit(status)


def start_worker(
    settings: Settings,
    make_steps: Callable[[Crew], Steps],
    *,
    loops: Callable[[Steps], tuple[Loop, ...]] = lambda _steps: (),
    heavy: str = HEAVY_STEPS,
    version: str = STEPS_VERSION,
) -> Worker:
    """Lock the slot, launch the engine library and return the worker.

    Parameters
    ----------
    make_steps : builds the durable steps around the child processes.
    loops : what runs beside the queues (intake, retention), given the steps.
    heavy : the module whose functions run in the child processes.
    """
    lock = take_own_slot(settings)
    heartbeat = Heartbeat(worker_heartbeat_file(settings.data_dir, settings.engine.slot))
    heartbeat.beat()
    crew = Crew(heavy, settings.engine.analyses_at_once + 1)  # one more, so that intake never waits for an analysis
    steps = make_steps(crew)
    register(steps)
    launch(settings, version=version)
    engine = client(settings)
    names = [d.name for d in settings.destinations]
    queue_forgotten(engine, CaseCatalogue(settings.data_dir), names, version=version)
    wake_deliveries(engine, CaseCatalogue(settings.data_dir))
    structlog.get_logger().info("engine.started", slot=settings.engine.slot, version=version)
    return Worker(settings, steps, engine, version, lock, heartbeat, loops(steps))


def stop_on_signals(stopping: threading.Event) -> None:
    """Let SIGTERM and SIGINT set the event."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
