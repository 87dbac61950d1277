"""Whether the stored values of a PET can be read, and the values in the unit of the series (PS3.3 C.8.9.4).

Slices are decoded in this process: a PET has a sixteenth of a CT's pixels, less than helpers cost.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import PositronEmissionTomographyImageStorage

from node.errors import Code, Reason, refuse, warn
from node.volume.decoders import read_stored
from node.volume.encapsulated import forget_files
from node.volume.frame import Frame
from node.volume.pixel_values import check_rescale, lossy_text
from node.volume.stored import FrameTask, task_of

PET_CLASS = str(PositronEmissionTomographyImageStorage)


def check_pet_pixels(frames: Sequence[Frame]) -> tuple[Reason, ...]:
    """Check class, rescale, polarity, bits and compression by the headers."""
    return (*_sop_class(frames), *(check_rescale(frames) or _slopes(frames)), *_format(frames), *_lossy(frames))


def read_rescaled(frames: Sequence[Frame]) -> NDArray[np.float32]:
    """Read every slice and apply its own slope and intercept.

    Parameters
    ----------
    frames : that passed the checks, of one size, in the order of the slices

    Returns
    -------
    (slices, rows, columns) float32, in the unit of the series; padding is 0.

    Raises
    ------
    InputRefused
        PIX-TRUNC, SIZE-DIM or TS-UNSUP of the first slice that cannot be read.
    """
    tasks = [task_of(frame) for frame in frames]
    rescaled = np.empty((len(tasks), tasks[0].rows, tasks[0].columns), np.float32)
    stored = np.empty(rescaled.shape[1:], np.uint16)
    try:
        for task, plane in zip(tasks, rescaled, strict=True):
            read_stored(task, stored)
            plane[...] = _rescaled(stored, task)
    finally:
        forget_files()
    return rescaled


def _rescaled(stored: NDArray[np.uint16], task: FrameTask) -> NDArray[np.float64]:
    """Return value x slope + intercept; bits above High Bit are no part of a value."""
    shift = 16 - task.bits_stored
    raw = (stored << shift).view(np.int16) >> shift if task.signed else (stored << shift) >> shift
    values: NDArray[np.float64] = raw * np.float64(task.slope) + np.float64(task.intercept)
    if task.padding is not None:
        values[(raw >= task.padding[0]) & (raw <= task.padding[1])] = 0.0
    return values


def _sop_class(frames: Sequence[Frame]) -> Iterable[Reason]:
    others = sorted({f.file.facts.sop_class_uid for f in frames} - {PET_CLASS})
    if others:
        yield refuse(Code.RT_SOP, f"SOP class {others[0]} is no PET image that can be read")


def _slopes(frames: Sequence[Frame]) -> Iterable[Reason]:
    if len({f.pixels.rescale_slope for f in frames}) > 1:
        yield warn(Code.PT_SLOPE, "Rescale Slope varies between slices: each slice is read by its own")
    if any(f.pixels.rescale_intercept for f in frames):
        yield warn(Code.PT_SLOPE, "Rescale Intercept is not 0: it is added")


def _format(frames: Sequence[Frame]) -> Iterable[Reason]:
    for f in frames:
        p = f.pixels
        if p.samples_per_pixel != 1 or p.photometric_interpretation not in ("MONOCHROME1", "MONOCHROME2"):
            yield refuse(Code.HU_PHOTO, f"{p.samples_per_pixel} samples, {p.photometric_interpretation!r}")
            return
        usable = p.bits_allocated == 16 and p.bits_stored is not None and 8 <= p.bits_stored <= 16
        if not usable or p.high_bit != (p.bits_stored or 0) - 1 or p.pixel_representation not in (0, 1):
            text = f"{p.bits_allocated} bits allocated, {p.bits_stored} stored, high bit {p.high_bit}"
            yield refuse(Code.HU_BITS, text)
            return


def _lossy(frames: Sequence[Frame]) -> Iterable[Reason]:
    text = lossy_text(frames)
    if text:
        yield warn(Code.HU_LOSSY, text)
