"""The receiver's process: `lungnode receive`.

With `receive.processes` above one the process divides itself after opening its ports; the first one then only watches
over the others and replaces one that dies. SIGTERM and SIGINT end it cleanly: nothing is accepted any more, what is
being flushed is finished, open associations are aborted.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import structlog

from node.receive.commitment import ArchiveHolds, nothing_is_held
from node.receive.reception import Tally
from node.receive.serving import Receiver, open_ports
from node.settings import Disk, Receive, Settings
from node.store.spool import Spool

_FASTEST_RESTART_S = 1.0  # a receiver that dies at once must not fill the machine with its successors
_ENDING = (signal.SIGTERM, signal.SIGINT)

_log = structlog.get_logger("node.receive")

MakeReceiver = Callable[..., Receiver]  # given the tally and the slot of the process
OnReady = Callable[[int, int | None], None]  # given the plain and the TLS port that were taken


def run(settings: Settings, archive_holds: ArchiveHolds = nothing_is_held) -> None:
    """Receive until SIGTERM; the log says when the node is ready and on which port.

    Parameters
    ----------
    settings : the node's settings
    archive_holds : tells which of some SOP Instance UIDs the archive holds, for storage commitment requests

    Raises
    ------
    NotYetThere, Misconfigured
        CFG-PORT or CFG-TLS.
    """
    asked = frozenset(d.ae_title for d in settings.destinations if d.ae_title and d.commitment == "ask")
    serve_forever(settings.receive, settings.disk, settings.data_dir, archive_holds=archive_holds, answers_from=asked)


def serve_forever(
    settings: Receive,
    disk: Disk,
    data_dir: Path,
    *,
    archive_holds: ArchiveHolds = nothing_is_held,
    answers_from: frozenset[str] = frozenset(),
    on_ready: OnReady | None = None,
) -> None:
    """Receive until SIGTERM or SIGINT; `answers_from` are the archives whose commitment answers we wait for."""
    began_s = time.monotonic()
    ports = open_ports(settings)
    n_cleaned = Spool(data_dir).clean()

    def ready() -> None:
        _log.info(
            "receive.ready", ae_title=settings.ae_title, host=settings.host, port=ports.plain_port,
            tls_port=ports.tls_port, n_cleaned=n_cleaned, duration_s=round(time.monotonic() - began_s, 3),
        )  # fmt: skip
        if on_ready is not None:
            on_ready(ports.plain_port, ports.tls_port)

    make = partial(Receiver, settings, disk, data_dir, ports, archive_holds=archive_holds, answers_from=answers_from)
    try:
        if settings.processes == 1:
            _serve(make, Tally(1), 0, ready)
        else:
            _Supervisor(make, settings.processes).run(ready)
    finally:
        ports.close()
    _log.info("receive.stopped")


def _serve(make: MakeReceiver, tally: Tally, process: int, ready: Callable[[], None]) -> None:
    """Serve in this process until a signal comes."""
    stopping = threading.Event()
    former = {one: signal.signal(one, lambda *_: stopping.set()) for one in _ENDING}
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, former)  # a supervisor's child begins with both held back
        with make(tally=tally, process=process):
            ready()
            stopping.wait()
    finally:
        for one, handler in former.items():
            signal.signal(one, handler)


class _Supervisor:
    """Several receiver processes on one port."""

    def __init__(self, make: MakeReceiver, n_processes: int) -> None:
        self._make = make
        self._n_processes = n_processes
        self._tally = Tally(n_processes)
        self._children: dict[int, tuple[int, float]] = {}  # process id → slot, when it was started
        self._stopping = False
        self._lifeline = os.pipe()  # its writing end is open as long as this process lives, and only here

    def run(self, ready: Callable[[], None]) -> None:
        """Start all, replace the dead, and end all on a signal."""
        for one in _ENDING:
            signal.signal(one, self._stop)
        for slot in range(self._n_processes):
            self._start(slot)
        ready()
        while self._children:
            pid, status = os.wait()
            slot, started_s = self._children.pop(pid)
            self._tally.set(slot, 0)
            if self._stopping:
                continue
            _log.error("receive.process_died", slot=slot, status=os.waitstatus_to_exitcode(status))
            time.sleep(max(0.0, started_s + _FASTEST_RESTART_S - time.monotonic()))
            if not self._stopping:
                self._start(slot)

    def _start(self, slot: int) -> None:
        # A signal that comes before the child has its own handlers would be answered by ours and be lost to it.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        pid = os.fork()
        if pid:
            self._children[pid] = (slot, time.monotonic())
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
            return
        status = 70
        try:
            self._end_with_parent()
            _serve(self._make, self._tally, slot, lambda: None)
            status = 0
        finally:
            os._exit(status)  # the parent's stack below this frame is not ours

    def _end_with_parent(self) -> None:
        """In a child: stop when the parent is gone, also by kill -9; else the port would stay taken."""
        reading, writing = self._lifeline
        os.close(writing)

        def watch() -> None:
            os.read(reading, 1)
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=watch, daemon=True).start()

    def _stop(self, *_: object) -> None:
        self._stopping = True
        for pid in self._children:
            os.kill(pid, signal.SIGTERM)
