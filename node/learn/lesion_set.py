"""The slices that a tumour network learns from: neighbours as channels, crops partly centred on lesions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from node.learn.index import Row
from node.learn.planes import Plane, planes

Index = NDArray[np.intp]

AIR_HU = -1024


@dataclass(frozen=True, slots=True)
class LesionSet:
    """Slices in memory, and for each the ones below and above; a slice without a neighbour stands for it itself."""

    planes: tuple[Plane, ...]
    below: Index
    above: Index

    def __len__(self) -> int:
        return len(self.planes)

    def weights(self) -> NDArray[np.float64]:
        """Return how often each slice is drawn: a case with n weighs as the root of n, shared among them."""
        _, index, n = np.unique([plane.case for plane in self.planes], return_inverse=True, return_counts=True)
        weight: NDArray[np.float64] = 1.0 / np.sqrt(n[index])
        shares: NDArray[np.float64] = weight / weight.sum()
        return shares

    def channels(self, at: int, neighbours: int) -> list[NDArray[np.int16]]:
        """Return the slice and `neighbours` on either side of it, from the feet."""
        down, up = [at], [at]
        for _ in range(neighbours):
            down.append(int(self.below[down[-1]]))
            up.append(int(self.above[up[-1]]))
        return [self.planes[i].hu_yx for i in (*down[:0:-1], at, *up[1:])]


def load(rows: Sequence[Row], size: int) -> LesionSet:
    """Read rows (see `planes`) and find each slice's neighbours."""
    found = tuple(planes(rows, size))
    places = {(plane.stack, plane.z): i for i, plane in enumerate(found)}

    def neighbour(step: int) -> Index:
        return np.array([places.get((plane.stack, plane.z + step), i) for i, plane in enumerate(found)], np.intp)

    return LesionSet(found, neighbour(-1), neighbour(1))


def moments(data: LesionSet) -> tuple[float, float]:
    """Return mean and standard deviation of the slices, clipped to -1000 ... 400 HU: what P2's z-score needs."""
    values = np.concatenate([np.clip(plane.hu_yx[::4, ::4], -1000, 400).ravel() for plane in data.planes])
    return float(values.mean()), float(values.std())


def crops(
    data: LesionSet, index: Index, rng: np.random.Generator, side: int, *, neighbours: int, lesion_frac: float
) -> tuple[Tensor, Tensor]:
    """Cut a square out of each slice, in `lesion_frac` of those with a tumour round one of its pixels.

    Returns
    -------
    Pictures (N, 2 k + 1, side, side) float32 HU and targets (N, 1, side, side) uint8; air and 0 outside the slice.
    """
    hu = np.full((len(index), 2 * neighbours + 1, side, side), AIR_HU, np.float32)
    tumour = np.zeros((len(index), 1, side, side), np.uint8)
    for n, at in enumerate(index):
        plane = data.planes[at]
        corner = corner_of(plane.tumour_yx, rng, side, lesion_frac)
        for channel, hu_yx in enumerate(data.channels(int(at), neighbours)):
            cut(hu_yx, corner, hu[n, channel])
        cut(plane.tumour_yx, corner, tumour[n, 0])
    return torch.from_numpy(hu), torch.from_numpy(tumour)


def corner_of(tumour_yx: NDArray[np.uint8], rng: np.random.Generator, side: int, lesion_frac: float) -> tuple[int, int]:
    """Draw the upper left corner of a crop; the crop stays inside the slice where it fits.

    Round a tumour its pixel lies anywhere in the middle half of the crop: a network must not learn "in the middle".
    """
    on = np.argwhere(tumour_yx)
    centred = rng.random() < lesion_frac and len(on) > 0
    corner = []
    pixel = on[rng.integers(len(on))] if centred else None
    for axis, n in enumerate(tumour_yx.shape):
        free = n - side
        if free <= 0:
            corner.append(free // 2)
        elif pixel is None:
            corner.append(int(rng.integers(free + 1)))
        else:
            shift = int(rng.integers(-side // 4, side // 4 + 1))
            corner.append(int(np.clip(pixel[axis] - side // 2 + shift, 0, free)))
    return corner[0], corner[1]


def cut(source_yx: NDArray[np.generic], corner: tuple[int, int], into: NDArray[np.generic]) -> None:
    """Copy the square at `corner`, which may reach beyond the slice, into an array of its size."""
    side_y, side_x = into.shape
    top, left = corner
    y0, y1 = max(top, 0), min(top + side_y, source_yx.shape[0])
    x0, x1 = max(left, 0), min(left + side_x, source_yx.shape[1])
    if y0 < y1 and x0 < x1:
        into[y0 - top : y1 - top, x0 - left : x1 - left] = source_yx[y0:y1, x0:x1]
