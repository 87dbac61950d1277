"""A child process that never outlives its block, nor us: in a session of its own, ended with all its children."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from node.errors import WorldUnavailable

STOP_WITHIN_S = 20.0
GROUP_ENDS_WITHIN_S = 5.0
POLL_S = 0.05
TAIL_BYTES = 2000
# util-linux: the kernel tells the child to stop when we are gone, even by `kill -9`
_ENDS_WITH_US = ("/usr/bin/setpriv", "--pdeathsig", "TERM")


@contextmanager
def child(
    command: Sequence[str | Path],
    *,
    log: Path,
    ready: Callable[[], bool],
    ready_within_s: float = 60.0,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program from `ready()` until the block ends.

    A session of its own keeps a Ctrl-C at the terminal from reaching it before we stop it in order.

    Raises
    ------
    WorldUnavailable
        PROC-START where it ends before it is ready or is not ready in time; the message carries the end of its log.
    """
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [*_ENDS_WITH_US, *(str(word) for word in command)],
            stdout=sink,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            cwd=folder,
            start_new_session=True,
        )
    try:
        _await(process, Path(str(command[0])).name, log, ready, ready_within_s)
        yield process
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a process in order, or by force after a while, and whatever it left in its session."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_WITHIN_S)
    end = time.monotonic() + GROUP_ENDS_WITHIN_S
    with contextlib.suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < end:
            os.killpg(process.pid, signal.SIGKILL)  # raises once nobody of the session is left
            time.sleep(POLL_S)


def _await(process: "subprocess.Popen[bytes]", name: str, log: Path, ready: Callable[[], bool], limit_s: float) -> None:
    end = time.monotonic() + limit_s
    while not ready():
        if process.poll() is not None:
            raise WorldUnavailable("PROC-START", f"{name} ended with status {process.returncode}:\n{_tail(log)}")
        if time.monotonic() > end:
            raise WorldUnavailable("PROC-START", f"{name} was not ready within {limit_s:.0f} s:\n{_tail(log)}")
        time.sleep(POLL_S)


def _tail(log: Path) -> str:
    return log.read_bytes()[-TAIL_BYTES:].decode(errors="replace")
