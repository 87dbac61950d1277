"""Uncompressed pixels: read straight to where they belong, without parsing the header again.

Pixel Data is nearly always the last element, so its tag and length stand right before the pixels counted from the
end of the file. Where they don't (trailing padding, deflated, big endian written oddly), pydicom finds them.
"""

import os
import sys
import warnings

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread

from node.errors import Code, InputRefused
from node.facts.header import UNREADABLE
from node.volume.stored import FrameTask

_TAG = b"\xe0\x7f\x10\x00"  # (7FE0,0010), little endian
_EXPLICIT = (_TAG + b"OW\0\0", _TAG + b"OB\0\0")


def read_native(task: FrameTask, stored: NDArray[np.uint16]) -> None:
    """Read one frame into an array, in this machine's byte order.

    Parameters
    ----------
    stored : (rows, columns) uint16, C-contiguous
        Filled in place.

    Raises
    ------
    InputRefused
        PIX-TRUNC if there are fewer pixels than declared, SIZE-DIM if there are more.
    """
    n_bytes = task.n_bytes
    with open(task.path, "rb", buffering=0) as file:  # noqa: PTH123 - Path.open costs a fifth of the whole read
        offset = _offset(file.fileno(), n_bytes * task.n_frames)
        if offset is not None:
            _fill(file.fileno(), stored, offset + task.index * n_bytes)
            if sys.byteorder == "big":
                stored.byteswap(inplace=True)
            return
    _by_pydicom(task, stored)


def _offset(file: int, n_bytes: int) -> int | None:
    """Return where little endian pixels of this length begin if they end the file."""
    start = os.fstat(file).st_size - n_bytes
    if start < 12:
        return None
    before = os.pread(file, 12, start - 12)
    if before[8:] != n_bytes.to_bytes(4, "little"):
        return None
    if before[:8] in _EXPLICIT or before[4:8] == _TAG:
        return start
    return None


def _fill(file: int, stored: NDArray[np.uint16], offset: int) -> None:
    """Read until the array is full; the system may give less at once."""
    target = stored.data.cast("B")
    done = 0
    while done < len(target):
        n = os.preadv(file, [target[done:]], offset + done)
        if n == 0:
            raise InputRefused(Code.PIX_TRUNC, "the file became shorter while it was read")
        done += n


def _by_pydicom(task: FrameTask, stored: NDArray[np.uint16]) -> None:
    pixels, is_little = native_bytes(task.path)
    expected = task.n_bytes * task.n_frames
    if len(pixels) < expected:
        raise InputRefused(Code.PIX_TRUNC, f"Pixel Data has {len(pixels)} bytes, {expected} were declared")
    if len(pixels) > expected + 1:
        raise InputRefused(Code.SIZE_DIM, f"Pixel Data has {len(pixels)} bytes, {expected} were declared")
    order = "<u2" if is_little else ">u2"
    begin = task.index * task.n_bytes
    stored.reshape(-1)[:] = np.frombuffer(pixels[begin : begin + task.n_bytes], order)


def native_bytes(path: str) -> tuple[bytes, bool]:
    """Return all of Pixel Data as it stands in the file, inflated, and whether it is little endian.

    Raises
    ------
    InputRefused
        PIX-TRUNC if there is none or the file cannot be parsed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = dcmread(path, force=True)
            return bytes(dataset.PixelData), dataset.original_encoding[1] is not False
    except UNREADABLE as error:
        raise InputRefused(Code.PIX_TRUNC, f"Pixel Data cannot be read: {type(error).__name__}") from error
