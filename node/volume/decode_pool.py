"""Decode on all cores: this process and helper processes share the frames of a series.

Processes, because the decoders hold the interpreter's lock (`decoders.py`); helpers that stay for the next series,
because starting one costs as much as decoding forty slices. This process decodes, too, so that nothing waits for a
helper to start, and takes over what a helper that died has left.
"""

import select
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.errors import InputRefused
from node.volume.decode_helper import DecodeHelper
from node.volume.frame_queue import FrameQueue
from node.volume.stored import FrameTask

_FRAMES_PER_HELPER = 8  # fewer are not worth another process
_LONGEST_WAIT_S = 120.0  # for one answer; a helper that hangs is ended, its jobs are done here


class DecodePool:
    """Helper processes, started when they are first needed."""

    def __init__(self, n_helpers: int) -> None:
        self._n_helpers = n_helpers
        self.helpers: list[DecodeHelper] = []

    def start(self, n_frames: int) -> None:
        """Start what is missing for a series of this length; nobody waits for it."""
        for helper in [h for h in self.helpers if h.process.poll() is not None]:
            self._drop(helper)
        while len(self.helpers) < min(self._n_helpers, n_frames // _FRAMES_PER_HELPER):
            self.helpers.append(DecodeHelper())

    def run(
        self, tasks: Sequence[FrameTask], here: Callable[[int], Any], stored: NDArray[np.uint16] | None
    ) -> list[Any]:
        """Do every task, each here or in a helper.

        Parameters
        ----------
        tasks : sequence of FrameTask
            What helpers are told.
        here : callable
            Does the task of this index in this process and returns its result as JSON can hold it.
        stored : (len(tasks), rows, columns) uint16, or None
            Where frames go that helpers decode; None asks for digests.

        Raises
        ------
        InputRefused
            Of a frame that cannot be decoded.
        """
        self.start(len(tasks))
        run = _Run(self, tasks, FrameQueue(len(tasks), len(self.helpers) + 1), stored)
        while (run.queue or run.busy) and not run.failed:
            run.hand_out()
            job = run.queue.take_last()
            if job is None:
                run.collect(wait_s=_LONGEST_WAIT_S)
            else:
                run.do_here(job, here)
        while run.busy:
            run.collect(wait_s=_LONGEST_WAIT_S)
        if run.failed:
            raise run.failed[0]
        return run.results

    def close(self) -> None:
        """End the helpers."""
        while self.helpers:
            self._drop(self.helpers[0])

    def _drop(self, helper: DecodeHelper) -> None:
        self.helpers.remove(helper)
        helper.end()

    def lose(self, helper: DecodeHelper, queue: FrameQueue) -> None:
        """End a helper; what it has not answered goes back to the queue."""
        queue.give_back(helper.jobs)
        self._drop(helper)


class _Run:
    """One series on its way through a pool."""

    def __init__(
        self, pool: DecodePool, tasks: Sequence[FrameTask], queue: FrameQueue, stored: NDArray[np.uint16] | None
    ) -> None:
        self._pool, self._tasks, self._stored = pool, tasks, stored
        self.queue = queue
        self.results: list[Any] = [None] * len(tasks)
        self.failed: list[InputRefused] = []

    @property
    def busy(self) -> bool:
        """Whether a helper has something to answer."""
        return any(helper.jobs for helper in self._pool.helpers)

    def do_here(self, job: tuple[int, int], here: Callable[[int], Any]) -> None:
        """Do a job in this process and look after the helpers between frames."""
        for index in range(job[0], sum(job)):
            try:
                self.results[index] = here(index)
            except InputRefused as error:
                self.failed.append(error)
                return
            self.collect(wait_s=0.0)
            self.hand_out()

    def hand_out(self) -> None:
        """Give every helper that has started enough to do."""
        for helper in list(self._pool.helpers):
            while helper.has_room and (job := self.queue.take_first()):
                try:
                    helper.give(job, self._tasks, self._stored)
                except OSError:
                    self._pool.lose(helper, self.queue)
                    break

    def collect(self, *, wait_s: float) -> None:
        """Take what answers there are."""
        waiting = {h.link: h for h in self._pool.helpers if h.jobs or (not h.ready and not wait_s)}
        if not waiting:
            return
        links, _, _ = select.select(list(waiting), [], [], wait_s)
        if wait_s and not links:
            for helper in waiting.values():
                self._pool.lose(helper, self.queue)
        for link in links:
            self._take(waiting[link])

    def _take(self, helper: DecodeHelper) -> None:
        try:
            answered = helper.answer(self._stored)
        except OSError:
            self._pool.lose(helper, self.queue)
            return
        if answered is None:
            return
        (first, n), message = answered
        if "results" in message:
            self.results[first : first + n] = message["results"]
        else:
            self.failed.append(InputRefused(message["code"], message["text"]))


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
