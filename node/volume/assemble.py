"""All frames of a series into one array of HU, on every core."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from node.volume.decoders import read_stored
from node.volume.hounsfield import FrameCounts, to_hounsfield
from node.volume.stored import FrameTask

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
    stored = np.empty((len(tasks), tasks[0].rows, tasks[0].columns), np.uint16)
    counts = _in_threads(tasks, stored, cores(threads))
    return stored.view(np.int16), counts


def _in_threads(tasks: Sequence[FrameTask], stored: NDArray[np.uint16], n_threads: int) -> tuple[FrameCounts, ...]:
    def job(first: int) -> list[FrameCounts]:
        return [_one(tasks[i], stored[i]) for i in range(first, min(first + _FRAMES_PER_JOB, len(tasks)))]

    firsts = range(0, len(tasks), _FRAMES_PER_JOB)
    if n_threads == 1 or len(firsts) == 1:
        return tuple(count for first in firsts for count in job(first))
    with ThreadPoolExecutor(n_threads) as pool:
        return tuple(count for counts in pool.map(job, firsts) for count in counts)


def _one(task: FrameTask, stored: NDArray[np.uint16]) -> FrameCounts:
    read_stored(task, stored)
    return to_hounsfield(stored, task)
