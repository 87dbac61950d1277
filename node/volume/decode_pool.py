"""Decode on all cores: this process and helper processes share the frames of a series.

Processes, because the decoders hold the interpreter's lock (`decoders.py`); helpers that stay for the next series,
because starting one costs as much as decoding forty slices. This process decodes, too, so that nothing waits for a
helper to start, and takes over what a helper that died has left.
"""

import json
import mmap
import os
import select
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import node
from node.errors import InputRefused
from node.volume.decode_worker import MAX_MESSAGE_BYTES, as_json
from node.volume.stored import FrameTask

_FRAMES_PER_JOB = 4
_JOBS_AHEAD = 2  # a helper always has the next job before it has finished one
_LONGEST_WAIT_S = 120.0  # for one job; a decoder that hangs is given up, its job is done here


@dataclass(slots=True)
class _Helper:
    process: "subprocess.Popen[bytes]"
    link: socket.socket
    jobs: list[int] = field(default_factory=list)


class DecodePool:
    """Helper processes and the jobs that they have."""

    def __init__(self, n_helpers: int) -> None:
        self._n_helpers = n_helpers
        self._helpers: list[_Helper] = []

    def run(
        self,
        tasks: Sequence[FrameTask],
        here: Callable[[int], Any],
        memory: tuple[int, tuple[int, ...]] | None,
    ) -> list[Any]:
        """Do every task, each here or in a helper.

        Parameters
        ----------
        tasks : sequence of FrameTask
            What helpers are told.
        here : callable
            Does the task of this index in this process and returns its result as JSON can hold it.
        memory : (file descriptor, shape) or None
            Shared memory for decoded frames; None asks for digests.

        Raises
        ------
        InputRefused
            Of a frame that cannot be decoded.
        """
        self._start(memory)
        firsts = deque(range(0, len(tasks), _FRAMES_PER_JOB))
        results: list[Any] = [None] * len(tasks)
        failed: list[InputRefused] = []
        try:
            while firsts and not failed:
                self._hand_out(firsts, tasks)
                if not firsts:
                    break
                first = firsts.pop()
                for index in range(first, min(first + _FRAMES_PER_JOB, len(tasks))):
                    results[index] = here(index)
                    self._collect(results, failed, firsts, wait_s=0.0)
                    self._hand_out(firsts, tasks)
            self._drain(tasks, here, results, failed)
        except InputRefused as error:
            failed.append(error)
            self._drain(tasks, None, results, failed)
        if memory is not None:
            self._tell_all({"do": "detach"})
        if failed:
            raise failed[0]
        return results

    def close(self) -> None:
        """End the helpers."""
        while self._helpers:
            self._drop(self._helpers[0])

    def _start(self, memory: tuple[int, tuple[int, ...]] | None) -> None:
        for helper in [h for h in self._helpers if h.process.poll() is not None]:
            self._drop(helper)
        while len(self._helpers) < self._n_helpers:
            self._helpers.append(_started())
        if memory is None:
            return
        descriptor, shape = memory
        attach = json.dumps({"do": "attach", "shape": shape}).encode()
        for helper in list(self._helpers):
            try:
                socket.send_fds(helper.link, [attach], [descriptor])
            except OSError:
                self._drop(helper)

    def _hand_out(self, firsts: deque[int], tasks: Sequence[FrameTask]) -> None:
        for helper in list(self._helpers):
            while firsts and len(helper.jobs) < _JOBS_AHEAD:
                first = firsts.popleft()
                chosen = [(i, as_json(tasks[i])) for i in range(first, min(first + _FRAMES_PER_JOB, len(tasks)))]
                try:
                    helper.link.send(json.dumps({"do": "job", "job": first, "tasks": chosen}).encode())
                except OSError:
                    firsts.extendleft([first, *reversed(helper.jobs)])
                    self._drop(helper)
                    break
                helper.jobs.append(first)

    def _collect(self, results: list[Any], failed: list[InputRefused], lost: deque[int], *, wait_s: float) -> None:
        """Take what answers there are; jobs of a helper that died go back to `lost`."""
        links = {helper.link: helper for helper in self._helpers if helper.jobs}
        ready, _, _ = select.select(list(links), [], [], wait_s) if links else ([], [], [])
        if wait_s and links and not ready:
            ready = list(links)
            for helper in links.values():
                helper.process.kill()
        for link in ready:
            helper = links[link]
            answer = _received(link)
            if answer is None:
                lost.extend(helper.jobs)
                self._drop(helper)
            elif "code" in answer:
                helper.jobs.remove(answer["job"])
                failed.append(InputRefused(answer["code"], answer["text"]))
            else:
                helper.jobs.remove(answer["job"])
                results[answer["job"] : answer["job"] + len(answer["results"])] = answer["results"]

    def _drain(
        self,
        tasks: Sequence[FrameTask],
        here: Callable[[int], Any] | None,
        results: list[Any],
        failed: list[InputRefused],
    ) -> None:
        """Wait for every answer; do here what a dead helper has left, unless the series has failed."""
        lost: deque[int] = deque()
        while any(helper.jobs for helper in self._helpers):
            self._collect(results, failed, lost, wait_s=_LONGEST_WAIT_S)
        while here is not None and lost and not failed:
            first = lost.popleft()
            for index in range(first, min(first + _FRAMES_PER_JOB, len(tasks))):
                results[index] = here(index)

    def _tell_all(self, message: dict[str, Any]) -> None:
        for helper in list(self._helpers):
            try:
                helper.link.send(json.dumps(message).encode())
            except OSError:
                self._drop(helper)

    def _drop(self, helper: _Helper) -> None:
        self._helpers.remove(helper)
        helper.link.close()
        helper.process.kill()
        helper.process.wait()


def _started() -> _Helper:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    package = str(Path(node.__file__).resolve().parent.parent)
    inherited = os.environ.get("PYTHONPATH")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([package, *([inherited] if inherited else [])])}
    process = subprocess.Popen(
        [sys.executable, "-m", "node.volume.decode_worker", str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    theirs.close()
    return _Helper(process, ours)


def _received(link: socket.socket) -> dict[str, Any] | None:
    """Return one answer, None if the helper is gone."""
    try:
        data = link.recv(MAX_MESSAGE_BYTES)
    except OSError:
        return None
    answer: dict[str, Any] | None = json.loads(data) if data else None
    return answer


def shared_array(shape: tuple[int, ...]) -> tuple[int, NDArray[np.uint16]]:
    """Return an array in memory that helpers can map, and its file descriptor, which the caller closes."""
    descriptor = os.memfd_create("volume")
    os.ftruncate(descriptor, 2 * int(np.prod(shape)))
    memory = mmap.mmap(descriptor, 0)
    return descriptor, np.frombuffer(memory, np.uint16).reshape(shape)


@cache
def _pools() -> tuple[threading.Lock, dict[int, DecodePool]]:
    """Return this process's pools by size, and the lock that lets one series at a time have them."""
    return threading.Lock(), {}


@contextmanager
def borrowed_pool(n_helpers: int) -> Iterator[DecodePool | None]:
    """Give the process's pool, or None while another series has it."""
    lock, pools = _pools()
    if not lock.acquire(blocking=False):
        yield None
        return
    try:
        yield pools.setdefault(n_helpers, DecodePool(n_helpers))
    finally:
        lock.release()
