"""All frames of a series into one array of HU, on every core."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from node.volume.decode_pool import DecodePool, borrowed_pool
from node.volume.frame_jobs import counts_as_json, counts_from_json, hounsfield
from node.volume.hounsfield import FrameCounts
from node.volume.stored import FrameTask
from node.volume.transfer_syntax import ENCAPSULATED

MIN_SHARED = 16  # compressed frames below which helpers are not worth their messages

_FRAMES_PER_JOB = 8  # enough that handing out jobs costs nothing, few enough that cores end together


def cores(threads: int) -> int:
    """Return how many cores to use; 0 asks for all that this process may use."""
    return threads if threads > 0 else len(os.sched_getaffinity(0))


def assemble(tasks: Sequence[FrameTask], threads: int) -> tuple[NDArray[np.int16], tuple[FrameCounts, ...]]:
    """Read every frame and turn it into HU.

    Parameters
    ----------
    tasks : sequence of FrameTask
        In the order of the slices, all of one size.
    threads : int
        How many cores to use; 0 for all.

    Returns
    -------
    ((n, rows, columns) int16 HU, one FrameCounts per frame)

    Raises
    ------
    InputRefused
        PIX-TRUNC, SIZE-DIM or TS-UNSUP of the first frame that cannot be read.
    """
    shape = (len(tasks), tasks[0].rows, tasks[0].columns)
    n_cores = cores(threads)
    compressed = sum(task.transfer_syntax in ENCAPSULATED for task in tasks)
    stored = np.empty(shape, np.uint16)
    if compressed >= MIN_SHARED and n_cores > 1:
        with borrowed_pool(n_cores - 1) as pool:
            if pool is not None:
                return stored.view(np.int16), _in_processes(pool, tasks, stored)
    return stored.view(np.int16), _in_threads(tasks, stored, n_cores)


def _in_processes(pool: DecodePool, tasks: Sequence[FrameTask], stored: NDArray[np.uint16]) -> tuple[FrameCounts, ...]:
    results = pool.run(tasks, lambda i: counts_as_json(hounsfield(tasks[i], stored[i])), stored)
    return tuple(counts_from_json(values) for values in results)


def _in_threads(tasks: Sequence[FrameTask], stored: NDArray[np.uint16], n_threads: int) -> tuple[FrameCounts, ...]:
    def job(first: int) -> list[FrameCounts]:
        last = min(first + _FRAMES_PER_JOB, len(tasks))
        return [hounsfield(tasks[i], stored[i]) for i in range(first, last)]

    firsts = range(0, len(tasks), _FRAMES_PER_JOB)
    if n_threads == 1 or len(firsts) == 1:
        return tuple(count for first in firsts for count in job(first))
    with ThreadPoolExecutor(n_threads) as threads:
        return tuple(count for counts in threads.map(job, firsts) for count in counts)
