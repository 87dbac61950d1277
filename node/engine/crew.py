"""The child processes that run the heavy steps, seen from the worker: one request each at a time, and an end to it.

A step that runs too long (SYS-TIME), is cancelled, or takes the process down with it costs one child process, never
the worker.
"""

import errno
import json
import os
import queue
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import structlog

from node.engine.error_json import error_from_json
from node.errors import LungnodeError, OurMistake, WorldUnavailable

NO_FORK = "SYS-FORK"
_WARM_WITHIN_S = 120.0
_IDLE_S = 300.0
_LOOK_EVERY_S = 0.2  # how often a running step is checked for cancel and the time limit
_FULL = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)  # too many processes or files, no memory: for now


class ChildEnded(Exception):
    """The child process ended in the middle of a step; `by_signal` is 9 where the kernel ran out of memory."""

    def __init__(self, by_signal: int | None) -> None:
        super().__init__(f"the child process ended by signal {by_signal}" if by_signal else "the child process ended")
        self.by_signal = by_signal


class StepOverTime(Exception):
    """The step ran longer than it may and was ended."""


class StepCancelled(Exception):
    """The step was ended because somebody cancelled its workflow."""


class NoProcess(WorldUnavailable):
    """No child process could be started for now (SYS-FORK); nothing was begun."""

    def __init__(self, why: str) -> None:
        super().__init__(NO_FORK, f"no process could be started ({why})")


class Child:
    """One warm process that runs the functions of a module."""

    def __init__(self, module: str) -> None:
        command = [sys.executable, "-m", "node.engine.child", module]
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise NoProcess(str(error.strerror)) from error
        if self._process.stdin is None or self._process.stdout is None:
            raise OurMistake("ENG-CHILD", "a child process was started without its pipes")
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self._pending = b""
        self.used_s = time.monotonic()

    @property
    def lives(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def call(self, job: str, arguments: dict[str, Any], *, limit_s: float, cancelled: Callable[[], bool]) -> Any:
        """Run one function there and return its JSON value.

        Raises
        ------
        StepOverTime, StepCancelled, ChildEnded
            After which this child is gone.
        LungnodeError
            What the function raised.
        """
        deadline_s = time.monotonic() + limit_s
        self._write(json.dumps({"job": job, "arguments": arguments}).encode() + b"\n")
        while (line := self._read_line()) is None:
            if time.monotonic() > deadline_s:
                self.end()
                raise StepOverTime
            if cancelled():
                self.end()
                raise StepCancelled
        self.used_s = time.monotonic()
        answer = json.loads(line)
        if "error" in answer:
            raise error_from_json(answer["error"])
        return answer["value"]

    def end(self) -> None:
        """End the process now."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._requests, self._answers):
            with suppress(BrokenPipeError):
                pipe.close()

    def _write(self, request: bytes) -> None:
        try:
            self._requests.write(request)
            self._requests.flush()
        except BrokenPipeError:
            self._raise_ended()

    def _read_line(self) -> bytes | None:
        """Return one whole line, or None where none came within the time after which to look around."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers.fileno(), selectors.EVENT_READ)
            if not selector.select(_LOOK_EVERY_S):
                return None
        some = os.read(self._answers.fileno(), 65536)
        if not some:
            self._raise_ended()
        self._pending += some
        if not self._pending.endswith(b"\n"):
            return None
        line, self._pending = self._pending, b""
        return line

    def _raise_ended(self) -> NoReturn:
        code = self._process.wait()
        self.end()
        raise ChildEnded(-code if code < 0 else None)


class Crew:
    """As many children as steps may run at once, started when first needed and kept warm."""

    def __init__(self, module: str, size: int) -> None:
        self._module = module
        self._idle: queue.LifoQueue[Child | None] = queue.LifoQueue()
        for _ in range(size):
            self._idle.put(None)
        self._working: set[Child] = set()
        self._warming = threading.Lock()
        self._lock = threading.Lock()

    def call(self, job: str, arguments: dict[str, Any], *, limit_s: float, cancelled: Callable[[], bool]) -> Any:
        """Run one function in a child that is free, as `Child.call` does; NoProcess where none could be started."""
        with self._child() as child:
            return child.call(job, arguments, limit_s=limit_s, cancelled=cancelled)

    def warm(self) -> None:
        """Start one child while a study is still arriving, so that its case does not wait for imports."""
        if self._warming.locked() or any(child is not None and child.lives for child in list(self._idle.queue)):
            return
        threading.Thread(target=self._warm, name="warm", daemon=True).start()

    def end_idle(self) -> None:
        """End the children that nobody needed for a while: they hold a third of a gigabyte each."""
        for _ in range(self._idle.qsize()):
            try:
                child = self._idle.get_nowait()
            except queue.Empty:
                return
            too_long = child is not None and time.monotonic() - child.used_s > _IDLE_S
            if child is not None and too_long:
                child.end()
            self._idle.put(None if too_long else child)

    def close(self) -> None:
        """End all children, those at work too."""
        with self._lock:
            for child in self._working:
                child.end()
        while not self._idle.empty():
            child_or_none = self._idle.get()
            if child_or_none is not None:
                child_or_none.end()

    def _warm(self) -> None:
        try:
            with self._warming:
                self.call("warm", {}, limit_s=_WARM_WITHIN_S, cancelled=lambda: False)
        except (ChildEnded, StepOverTime, LungnodeError, OSError) as error:
            structlog.get_logger().warning("engine.not_warmed", error=type(error).__name__)

    @contextmanager
    def _child(self) -> Iterator[Child]:
        child = self._idle.get()
        try:
            if child is None or not child.lives:
                child = Child(self._module)
            with self._lock:
                self._working.add(child)
            yield child
        finally:  # also where no child could be started: else its place would be lost, and in the end all
            with self._lock:
                self._working -= {child}
            self._idle.put(child if child is not None and child.lives else None)
