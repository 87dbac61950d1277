"""All frames of a series into one array of HU, on every core."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from node.volume.decode_pool import DecodePool, borrowed_pool
from node.volume.decoders import read_stored
from node.volume.encapsulated import forget_files
from node.volume.frame_jobs import counts_as_json, counts_from_json, hounsfield
from node.volume.hounsfield import ValueCounts, to_hounsfield
from node.volume.stored import FrameTask
from node.volume.transfer_syntax import ENCAPSULATED

MIN_SHARED = 16  # compressed frames below which helpers are not worth their messages

# Eight frames at once: numpy then works long enough without the interpreter's lock for threads to run side by side
# (300 slices of 512 x 512 on two cores: 63 ms frame by frame, 40 ms by eight), and a job still fits into the cache.
_FRAMES_PER_JOB = 8

Counted = tuple[tuple[FrameTask, ValueCounts], ...]  # counts of frames that are read alike, with one of their tasks


def cores(threads: int) -> int:
    """Return how many cores to use; 0 asks for all that this process may use."""
    return threads if threads > 0 else len(os.sched_getaffinity(0))


def assemble(tasks: Sequence[FrameTask], threads: int) -> tuple[NDArray[np.int16], Counted]:
    """Read every frame and turn it into HU.

    Parameters
    ----------
    tasks : sequence of FrameTask
        In the order of the slices, all of one size.
    threads : int
        How many cores to use; 0 for all.

    Returns
    -------
    ((n, rows, columns) int16 HU, what they hold)

    Raises
    ------
    InputRefused
        PIX-TRUNC, SIZE-DIM or TS-UNSUP of the first frame that cannot be read.
    """
    shape = (len(tasks), tasks[0].rows, tasks[0].columns)
    n_cores = cores(threads)
    compressed = sum(task.transfer_syntax in ENCAPSULATED for task in tasks)
    stored = np.empty(shape, np.uint16)
    try:
        if compressed >= MIN_SHARED and n_cores > 1:
            with borrowed_pool(n_cores - 1) as pool:
                if pool is not None:
                    return stored.view(np.int16), _in_processes(pool, tasks, stored)
        return stored.view(np.int16), _in_threads(tasks, stored, n_cores)
    finally:
        forget_files()


def _in_processes(pool: DecodePool, tasks: Sequence[FrameTask], stored: NDArray[np.uint16]) -> Counted:
    results = pool.run(tasks, lambda i: counts_as_json(hounsfield(tasks[i], stored[i])), stored)
    return tuple((task, counts_from_json(values)) for task, values in zip(tasks, results, strict=True))


def _in_threads(tasks: Sequence[FrameTask], stored: NDArray[np.uint16], n_threads: int) -> Counted:
    def job(part: slice) -> tuple[FrameTask, ValueCounts]:
        for task, frame in zip(tasks[part], stored[part], strict=True):
            read_stored(task, frame)
        return tasks[part.start], to_hounsfield(stored[part], tasks[part.start])

    parts = _alike(tasks)
    if n_threads == 1 or len(parts) == 1:
        return tuple(job(part) for part in parts)
    with ThreadPoolExecutor(n_threads) as threads:
        return tuple(threads.map(job, parts))


def _alike(tasks: Sequence[FrameTask]) -> list[slice]:
    """Cut the series into runs of frames that are turned into HU together."""
    parts: list[slice] = []
    begin = 0
    for end in range(1, len(tasks) + 1):
        if end == len(tasks) or end - begin == _FRAMES_PER_JOB or tasks[end].how != tasks[begin].how:
            parts.append(slice(begin, end))
            begin = end
    return parts
