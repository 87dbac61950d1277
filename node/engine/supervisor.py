"""`lungnode serve`: receiver and worker as processes of their own, kept running and stopped together."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from node.errors import Misconfigured
from node.settings_snapshot import SUPERVISED

_FIRST_RESTART_S, _LONGEST_RESTART_S = 1.0, 60.0
_GOOD_AFTER_S = 60.0  # a child that lived so long starts again without a wait
_END_WITHIN_S = 20.0
_LOOK_EVERY_S = 0.2
_MISCONFIGURED = Misconfigured.exit_code
_PR_SET_PDEATHSIG = 1  # prctl(2), Linux


@dataclass(slots=True)
class _Child:
    """One process of the node, and when it may be started again."""

    name: str
    command: Sequence[str]
    process: "subprocess.Popen[bytes] | None" = None
    n_starts: int = 0
    started_s: float = 0.0
    restart_s: float = 0.0
    wait_s: float = _FIRST_RESTART_S


@dataclass
class Supervisor:
    """The processes of one node, each given the same settings on its standard input."""

    commands: dict[str, Sequence[str]]
    settings: bytes = b""
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> int:
        """Keep all running until told to stop; return the exit status.

        A child that says "misconfigured" at its first start ends the node: starting it again would not help. At a later
        one it has run before, with the same settings: what is wrong by now (a file of routes, a model) is said and
        waited for, and must not take the others down.
        """
        children = [_Child(name, command) for name, command in self.commands.items()]
        try:
            while not self.stopping.wait(_LOOK_EVERY_S):
                for child in children:
                    if self._looked_after(child) == _MISCONFIGURED and child.n_starts == 1:
                        return _MISCONFIGURED
            return 0
        finally:
            _end(children)

    def _looked_after(self, child: _Child) -> int | None:
        """Start a child that is to run and does not; return the status of one that just ended."""
        now_s = time.monotonic()
        if child.process is None:
            if now_s >= child.restart_s:
                child.process = _start(child.command, self.settings)
                child.n_starts += 1
                child.started_s = now_s
            return None
        status = child.process.poll()
        if status is None:
            return None
        child.process = None
        if now_s - child.started_s > _GOOD_AFTER_S:
            child.wait_s = _FIRST_RESTART_S
        child.restart_s = now_s + child.wait_s
        child.wait_s = min(2 * child.wait_s, _LONGEST_RESTART_S)
        structlog.get_logger().error("serve.process_ended", process=child.name, status=status)
        return status


def node_commands() -> dict[str, Sequence[str]]:
    """Return the processes of a node on one machine."""
    return {
        "receive": (sys.executable, "-m", "node", "receive"),
        "work": (sys.executable, "-m", "node", "work"),
    }


def _start(command: Sequence[str], settings: bytes) -> "subprocess.Popen[bytes]":
    with os.fdopen(os.memfd_create("settings"), "w+b") as handed:
        handed.write(settings)
        handed.seek(0)
        return subprocess.Popen(
            command,
            stdin=handed,
            env=os.environ | {SUPERVISED: "1"},
            preexec_fn=_end_with_parent,  # noqa: PLW1509
        )


def _end_with_parent() -> None:
    """Have the kernel end this process when the supervisor ends, even by `kill -9`: it holds the port and the slot."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(children: Sequence[_Child]) -> None:
    """Tell all to stop, wait, and end by force what does not."""
    running = [c.process for c in children if c.process is not None]
    for process in running:
        process.terminate()
    deadline_s = time.monotonic() + _END_WITHIN_S
    for process in running:
        try:
            process.wait(max(0.0, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
