"""What is done to one frame, in this process or in a helper: HU into an array, or a digest of what is stored."""

from dataclasses import astuple
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from node.errors import InputRefused
from node.volume.decoders import read_stored
from node.volume.hounsfield import ValueCounts, to_hounsfield
from node.volume.stored import FrameTask


def hounsfield(task: FrameTask, stored: NDArray[np.uint16]) -> ValueCounts:
    """Read a frame and turn it into HU where it lies.

    Raises
    ------
    InputRefused
        As `read_stored`.
    """
    read_stored(task, stored)
    return to_hounsfield(stored[np.newaxis], task)


def digest(task: FrameTask) -> str | None:
    """Return the SHA-256 of a frame's stored values, hex; None where they cannot be read.

    Notes
    -----
    Bits above High Bit are left out: most codestreams do not carry them.
    """
    stored = np.empty((task.rows, task.columns), np.uint16)
    try:
        read_stored(task, stored)
    except InputRefused:
        return None
    if task.bits_stored < 16:
        stored &= np.uint16((1 << task.bits_stored) - 1)
    return sha256(stored.astype("<u2", copy=False).data).hexdigest()


def counts_as_json(counts: ValueCounts) -> list[int]:
    """Return counts as a list of numbers."""
    return [int(value) for value in astuple(counts)]


def counts_from_json(values: list[int]) -> ValueCounts:
    """Return counts from a list of numbers."""
    return ValueCounts(*values)
