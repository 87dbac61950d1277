"""The parent's end of one helper process: what it was given, and the slots of memory that it decodes into."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import node
from node.volume.decode_worker import MAX_MESSAGE_BYTES, as_json, mapped
from node.volume.frame_queue import MOST_FRAMES_PER_JOB, Job
from node.volume.stored import FrameTask

JOBS_AHEAD = 2  # a helper always has the next job before it has finished one


class DecodeHelper:
    """A helper process. `ready` once it has started: before, nobody waits for it.

    Raises (every method)
    ---------------------
    OSError
        If the helper is gone.
    """

    def __init__(self) -> None:
        self.link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "node.volume.decode_worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the parent; the helper ends with the socket
            )
        self.ready = False
        self._jobs: dict[int, Job] = {}  # by the first of the slots that a job has
        self._slots: NDArray[np.uint16] | None = None

    @property
    def jobs(self) -> tuple[Job, ...]:
        """What it was given and has not answered."""
        return tuple(self._jobs.values())

    @property
    def has_room(self) -> bool:
        """Whether it should be given more."""
        return self.ready and len(self._jobs) < JOBS_AHEAD

    def give(self, job: Job, tasks: Sequence[FrameTask], stored: NDArray[np.uint16] | None) -> None:
        """Send a job; without an array digests are wanted."""
        base = next(b for b in range(0, JOBS_AHEAD * MOST_FRAMES_PER_JOB, MOST_FRAMES_PER_JOB) if b not in self._jobs)
        self._jobs[base] = job
        if stored is not None:
            self._attach(stored.shape[1:])
        first, n = job
        chosen = [(None if stored is None else base + k, as_json(tasks[first + k])) for k in range(n)]
        self.link.send(json.dumps({"do": "job", "job": base, "tasks": chosen}).encode())

    def answer(self, stored: NDArray[np.uint16] | None) -> tuple[Job, dict[str, Any]] | None:
        """Receive one answer and copy its frames to where they belong; None for the first sign of life."""
        data = self.link.recv(MAX_MESSAGE_BYTES)
        if not data:
            raise ConnectionResetError("the helper is gone")
        message: dict[str, Any] = json.loads(data)
        if "ready" in message:
            self.ready = True
            return None
        base: int = message["job"]
        job = self._jobs.pop(base)
        if stored is not None and self._slots is not None and "results" in message:
            first, n = job
            stored[first : first + n] = self._slots[base : base + n]
        return job, message

    def end(self) -> None:
        """End the process."""
        self.link.close()
        self.process.kill()
        self.process.wait()

    def _attach(self, frame_shape: tuple[int, ...]) -> None:
        """Share slots for frames of this size, unless it has them."""
        if self._slots is not None and self._slots.shape[1:] == frame_shape:
            return
        shape = (JOBS_AHEAD * MOST_FRAMES_PER_JOB, *frame_shape)
        descriptor = os.memfd_create("frames")
        try:
            os.ftruncate(descriptor, 2 * int(np.prod(shape)))
            self._slots = mapped(descriptor, shape)
            socket.send_fds(self.link, [json.dumps({"do": "attach", "shape": shape}).encode()], [descriptor])
        finally:
            os.close(descriptor)


def _environment() -> dict[str, str]:
    """Return this process's environment, so that the helper finds this package wherever it was started."""
    package = str(Path(node.__file__).resolve().parent.parent)
    inherited = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": os.pathsep.join([package, *([inherited] if inherited else [])])}
