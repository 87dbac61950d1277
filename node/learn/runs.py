"""Runs of neighbouring slices for P4: 8 by default, fewer where a run is shorter, with the gap between slices.

The slice sets are sparse, so a run may also be taken with every 2nd or 3rd slice; the gap in mm is an input of the
network. Where nobody states the distance of slices it is taken as 1.5 mm, the middle of what the source has (0.6 to
2.5 mm): a gap from such a set is a number of slices rather than a length.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from node.learn.lesion_set import AIR_HU, STRIDES, UNKNOWN_STEP_MM, Index, LesionSet, corner_of, cut


@dataclass(frozen=True, slots=True)
class Sequence:
    """Slices in order and the distance of each from the one before, 0 for the first."""

    index: tuple[int, ...]
    gap_mm: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RunBatch:
    """Some sequences, padded to one length.

    Attributes
    ----------
    hu, tumour : (B, T, side, side) float32 HU and uint8.
    valid : (B, T) bool, the slices that are there.
    gap_mm : (B, T) float32.
    """

    hu: Tensor
    tumour: Tensor
    valid: Tensor
    gap_mm: Tensor


def runs(data: LesionSet) -> tuple[Index, ...]:
    """Return the longest stretches of neighbouring slices, from the feet; a lone slice is a run of one."""
    found = []
    for start in range(len(data)):
        if data.below[start] == start:
            run = [start]
            while data.above[run[-1]] != run[-1]:
                run.append(int(data.above[run[-1]]))
            found.append(np.array(run, np.intp))
    return tuple(found)


def pieces(data: LesionSet, run: Index, length: int) -> tuple[Sequence, ...]:
    """Return a run in sequences of `length` that overlap by half: what a whole scan is answered by."""
    last = max(len(run) - length, 0)
    starts = sorted({*range(0, last + 1, max(length // 2, 1)), last})
    return tuple(_sequence(data, run[start : start + length], 1) for start in starts)


def draw(
    data: LesionSet, all_runs: tuple[Index, ...], rng: np.random.Generator, length: int, p: NDArray[np.float64]
) -> Sequence:
    """Draw one sequence: a slice by its probability `p`, a stride, and where in the sequence the slice lies."""
    at = int(rng.choice(len(data), p=p))
    run = next(run for run in all_runs if at in run)
    stride = min(int(rng.choice(STRIDES)), max(len(run) // 2, 1))
    place = int(np.flatnonzero(run == at)[0])
    thinned = run[place % stride :: stride]
    first, last = place // stride - length + 1, max(len(thinned) - length, 0)
    start = int(rng.integers(min(max(first, 0), last), min(place // stride, last) + 1))
    return _sequence(data, thinned[start : start + length], stride)


def cut_runs(
    data: LesionSet, sequences: tuple[Sequence, ...], rng: np.random.Generator, side: int, *, length: int,
    lesion_frac: float,
) -> RunBatch:  # fmt: skip
    """Cut the same square out of all slices of a sequence."""
    shape = (len(sequences), length)
    hu = np.full((*shape, side, side), AIR_HU, np.float32)
    tumour = np.zeros((*shape, side, side), np.uint8)
    for b, sequence in enumerate(sequences):
        together = np.maximum.reduce([data.planes[i].tumour_yx for i in sequence.index])
        corner = corner_of(together, rng, side, lesion_frac)
        for t, i in enumerate(sequence.index):
            cut(data.planes[i].hu_yx, corner, hu[b, t])
            cut(data.planes[i].tumour_yx, corner, tumour[b, t])
    return RunBatch(torch.from_numpy(hu), torch.from_numpy(tumour), *_filled(sequences, length))


def whole(data: LesionSet, sequence: Sequence) -> RunBatch:
    """Return one sequence uncut."""
    hu = np.stack([data.planes[i].hu_yx for i in sequence.index]).astype(np.float32)
    tumour = np.stack([data.planes[i].tumour_yx for i in sequence.index])
    return RunBatch(
        torch.from_numpy(hu)[None], torch.from_numpy(tumour)[None], *_filled((sequence,), len(sequence.index))
    )


def _sequence(data: LesionSet, index: NDArray[np.intp], stride: int) -> Sequence:
    step_mm = data.planes[index[0]].step_mm or UNKNOWN_STEP_MM
    return Sequence(tuple(int(i) for i in index), (0.0, *[step_mm * stride] * (len(index) - 1)))


def _filled(sequences: tuple[Sequence, ...], length: int) -> tuple[Tensor, Tensor]:
    """Return which slices are there and their gaps, both (B, T)."""
    valid = torch.tensor([[t < len(s.index) for t in range(length)] for s in sequences])
    gap_mm = torch.tensor([[*s.gap_mm, *[0.0] * (length - len(s.index))] for s in sequences])
    return valid, gap_mm
