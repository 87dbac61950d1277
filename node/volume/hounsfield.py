"""Stored values to Hounsfield units, in place, and what the values themselves tell (standards 4.2)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.volume.padding import from_the_border, reads_as_tissue
from node.volume.stored import FrameTask

PADDING_HU = -1024  # what padding becomes
AIR_HU = (-1100, -800)  # HU-RANGE: lung counts as air
SOFT_HU = (-150, 150)  # HU-RANGE: soft tissue
AIR_FRAC = 0.001
SOFT_FRAC = 0.05
SAMPLED_ROWS = 4  # shares are counted on every fourth row: they are judged to a tenth of a per cent
_INT16 = np.iinfo(np.int16)


@dataclass(frozen=True, slots=True)
class ValueCounts:
    """What frames hold, in voxels; air and soft tissue are counted on a sample without padding."""

    n: int
    n_padding: int
    n_sampled: int
    n_air: int
    n_soft: int
    n_air_if_signed: int
    n_upper: int  # with bits above High Bit, padding aside

    @property
    def has_air(self) -> bool:
        """At least the share of air that HU-RANGE wants."""
        return self.n_air >= AIR_FRAC * max(1, self.n_sampled)

    @property
    def has_soft(self) -> bool:
        """At least the share of soft tissue that HU-RANGE wants."""
        return self.n_soft >= SOFT_FRAC * max(1, self.n_sampled)


def to_hounsfield(stored: NDArray[np.uint16], task: FrameTask) -> ValueCounts:
    """Turn stored values into HU where they lie: `stored.view(int16)` holds HU afterwards.

    Parameters
    ----------
    stored : (n, rows, columns) uint16
        Frames with the same bits, sign, rescale and padding; two's complement where the pixels are signed.
    task : FrameTask
        One of them.

    Notes
    -----
    PS3.3 C.11.1.1.2: HU = stored x slope + intercept. Padding is masked before (C.7.5.1.1.2), from the border inwards
    where its value is also one of tissue; a constant rim below -1024 HU in all four corners is padding without the
    attribute.
    """
    raw = stored.view(np.int16) if task.signed else stored
    padding = None if task.padding is None else _between(raw, *task.padding)
    if padding is not None and reads_as_tissue(task):
        padding = from_the_border(padding)
    n_upper = _mask_upper_bits(stored, raw, padding, task)
    n_air_if_signed = 0 if task.signed else _air_if_signed(stored, task)
    _rescale(stored, raw, task)
    hu = stored.view(np.int16)
    padding = _with_rim(hu, padding)
    n_padding = 0 if padding is None else int(np.count_nonzero(padding))
    if n_padding:
        hu[padding] = PADDING_HU
    return _counted(hu, padding if n_padding else None, n_padding, n_air_if_signed, n_upper)


def _counted(
    hu: NDArray[np.int16], padding: NDArray[np.bool_] | None, n_padding: int, n_air_if_signed: int, n_upper: int
) -> ValueCounts:
    """Count air and soft tissue on a sample of rows."""
    sample = hu[:, ::SAMPLED_ROWS]
    n_ignored = 0 if padding is None else int(np.count_nonzero(padding[:, ::SAMPLED_ROWS]))
    n_air = int(np.count_nonzero(_between(sample, *AIR_HU))) - n_ignored  # padding lies among air
    n_soft = int(np.count_nonzero(_between(sample, *SOFT_HU)))
    return ValueCounts(hu.size, n_padding, sample.size - n_ignored, n_air, n_soft, n_air_if_signed, n_upper)


def _between(values: NDArray[np.int16] | NDArray[np.uint16], low: int, high: int) -> NDArray[np.bool_]:
    """Tell which values lie in low…high, ends included: one subtraction that wraps, one comparison."""
    shifted = values.view(np.uint16) - np.uint16(low & 0xFFFF)
    within: NDArray[np.bool_] = shifted <= np.uint16(high - low)
    return within


def _mask_upper_bits(
    stored: NDArray[np.uint16],
    raw: NDArray[np.int16] | NDArray[np.uint16],
    padding: NDArray[np.bool_] | None,
    task: FrameTask,
) -> int:
    """Clear what stands above High Bit, or spread the sign into it; count voxels other than padding that needed it."""
    if task.bits_stored == 16:
        return 0
    low, high = _range(task)
    if int(raw.max()) <= high and int(raw.min()) >= low:
        return 0
    over = (raw > high) | (raw < low)
    n_upper = int(np.count_nonzero(over if padding is None else over & ~padding))
    shift = 16 - task.bits_stored
    shifted = stored << shift
    stored[...] = (shifted.view(np.int16) >> shift).view(np.uint16) if task.signed else shifted >> shift
    return n_upper


def _range(task: FrameTask) -> tuple[int, int]:
    """Return the lowest and highest value that Bits Stored allows."""
    if task.signed:
        return -(1 << (task.bits_stored - 1)), (1 << (task.bits_stored - 1)) - 1
    return 0, (1 << task.bits_stored) - 1


def _air_if_signed(stored: NDArray[np.uint16], task: FrameTask) -> int:
    """Count unsigned values that would be air if their highest bit were a sign (HU-SIGN)."""
    wrapped = 1 << task.bits_stored
    low, high = sorted(round((hu - task.intercept) / task.slope) + wrapped for hu in AIR_HU)
    low, high = max(low, wrapped >> 1), min(high, wrapped - 1)
    if low > high or int(stored.max()) < low:
        return 0
    return int(np.count_nonzero(_between(stored[:, ::SAMPLED_ROWS], low, high)))


def _rescale(stored: NDArray[np.uint16], raw: NDArray[np.int16] | NDArray[np.uint16], task: FrameTask) -> None:
    """Write HU over the stored values; a plain shift needs no copy."""
    if task.slope == 1.0 and task.intercept == int(task.intercept):
        shift = int(task.intercept)
        if int(raw.min()) + shift >= _INT16.min and int(raw.max()) + shift <= _INT16.max:
            np.add(stored, np.uint16(shift & 0xFFFF), out=stored)
            return
    hu = np.rint(raw * np.float64(task.slope) + np.float64(task.intercept))
    np.clip(hu, _INT16.min, _INT16.max, out=hu)
    stored.view(np.int16)[...] = hu


def _with_rim(hu: NDArray[np.int16], padding: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """Add a constant rim below -1024 HU that all four corners of a frame share."""
    corners = hu[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    rimmed = (corners[:, 0] < PADDING_HU) & (corners == corners[:, :1]).all(axis=1)
    if not rimmed.any():
        return padding
    rim: NDArray[np.bool_] = (hu == corners[:, :1, None]) & rimmed[:, None, None]
    return rim if padding is None else padding | rim
