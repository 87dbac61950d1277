"""The slices that a tumour network learns from: neighbours as channels, crops partly centred on lesions.

What is drawn is balanced twice. Domains have stated shares, or the 146 nodule cubes would drown the 36 tumours; and of
what is drawn of a case at least half shows a lesion, or a whole lung would be drawn for its empty slices. Pictures
that are much smaller than a crop (cubes, regions) are laid side by side: a crop of air round one nodule would teach
where nodules lie in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from node.learn.index import Row
from node.learn.planes import Plane, planes

Index = NDArray[np.intp]

AIR_HU = -1024
UNKNOWN_STEP_MM = 1.5  # the middle of what the slice set has that states none (0.6 to 2.5 mm)
_LEAST_WITH_LESION = 0.5  # of a case's draws
STRIDES = (1, 1, 2, 3)  # half of the slices with their own neighbours, half of the sequences as they are
_FARTHEST_MM = 6.0  # where a stride may bring a neighbour


@dataclass(frozen=True)
class LesionSet:
    """Slices in memory, and for each the ones below and above; a slice without a neighbour stands for it itself."""

    planes: tuple[Plane, ...]
    below: Index
    above: Index

    def __len__(self) -> int:
        return len(self.planes)

    def weights(self, shares: Mapping[str, float]) -> NDArray[np.float64]:
        """Return how often each slice is drawn.

        A case with n slices weighs as the root of n; its slices with a lesion have what their number gives them, at
        least half; a domain then has its share (see `share_of`) of all.
        """
        _, case, n = np.unique(
            [f"{plane.domain} {plane.case}" for plane in self.planes], return_inverse=True, return_counts=True
        )
        lesion = np.array([plane.has_tumour for plane in self.planes])
        n_lesion = np.bincount(case, lesion)
        with_lesion = np.maximum(n_lesion / n, np.where((n_lesion > 0) & (n_lesion < n), _LEAST_WITH_LESION, 0.0))
        part = np.where(lesion, with_lesion[case] / np.maximum(n_lesion, 1)[case], 0.0)
        part += np.where(lesion, 0.0, (1.0 - with_lesion[case]) / np.maximum(n - n_lesion, 1)[case])
        weight = part * np.sqrt(n)[case]
        for domain in {plane.domain for plane in self.planes}:
            of_domain = np.array([plane.domain == domain for plane in self.planes])
            weight[of_domain] *= share_of(shares, domain) / weight[of_domain].sum()
        drawn: NDArray[np.float64] = weight / weight.sum()
        return drawn

    def alone_odds(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how often each slice is to be shown without its neighbours, so that to have none says nothing.

        The slice sets hold runs through tumours and single slices without one: a network would tell them apart by
        whether its neighbours differ. Within a domain, slices with and without a lesion are shown alone equally often:
        as often as the kind that is more often a single slice. Not for runs, where a sequence of one leaves seven
        of eight places empty.

        Parameters
        ----------
        p : (n,) float64, how often each slice is drawn.
        """
        at = np.arange(len(self))
        single = (self.below == at) & (self.above == at)
        lesion = np.array([plane.has_tumour for plane in self.planes])
        odds = np.zeros(len(self))
        for domain in {plane.domain for plane in self.planes}:
            of_domain = np.array([plane.domain == domain for plane in self.planes])
            kinds = [kind for kind in (of_domain & lesion, of_domain & ~lesion) if p[kind].sum() > 0.0]
            rates = [float(p[kind & single].sum() / p[kind].sum()) for kind in kinds]
            for kind, rate in zip(kinds, rates, strict=True):
                if rate < max(rates):
                    odds[kind & ~single] = (max(rates) - rate) / (1.0 - rate)
        return odds

    @cached_property
    def mates(self) -> dict[tuple[str, int], Index]:
        """Return the slices of each domain and size: what may lie beside one another in a crop."""
        found: dict[tuple[str, int], list[int]] = {}
        for at, plane in enumerate(self.planes):
            found.setdefault((plane.domain, max(plane.hu_yx.shape)), []).append(at)
        return {key: np.array(value, np.intp) for key, value in found.items()}

    def channels(self, at: int, neighbours: int, stride: int = 1) -> list[NDArray[np.int16]]:
        """Return the slice and `neighbours` on either side of it, every `stride`-th, from the feet."""
        down, up = [at], [at]
        for _ in range(neighbours):
            down.append(self._moved(self.below, down[-1], stride))
            up.append(self._moved(self.above, up[-1], stride))
        return [self.planes[i].hu_yx for i in (*down[:0:-1], at, *up[1:])]

    def strides(self, index: Index, rng: np.random.Generator) -> Index:
        """Draw how far apart the neighbours of each slice are to be, in slices: scans are thinner and thicker.

        Scans that are searched have slices of 2 to 5 mm, most rows that are learnt from thinner ones.
        """
        steps_mm = np.array([self.planes[at].step_mm or UNKNOWN_STEP_MM for at in index])
        farthest = np.maximum(_FARTHEST_MM // steps_mm, 1).astype(np.intp)
        drawn: Index = np.minimum(rng.choice(STRIDES, len(index)), farthest)
        return drawn

    def _moved(self, to: Index, at: int, steps: int) -> int:
        for _ in range(steps):
            at = int(to[at])
        return at


def load(rows: Sequence[Row], size: int) -> LesionSet:
    """Read rows (see `planes`) and find each slice's neighbours."""
    return of_planes(tuple(planes(rows, size)))


def of_planes(found: tuple[Plane, ...]) -> LesionSet:
    """Find the neighbours of each slice."""
    places = {(plane.stack, plane.z): i for i, plane in enumerate(found)}

    def neighbour(step: int) -> Index:
        return np.array([places.get((plane.stack, plane.z + step), i) for i, plane in enumerate(found)], np.intp)

    return LesionSet(found, neighbour(-1), neighbour(1))


def share_of(shares: Mapping[str, float], domain: str) -> float:
    """Return the share of a domain; one that nobody stated counts as the smallest stated one."""
    return shares.get(domain, min(shares.values(), default=1.0))


def moments(data: LesionSet) -> tuple[float, float]:
    """Return mean and standard deviation of the slices, clipped to -1000 ... 400 HU: what P2's z-score needs."""
    values = np.concatenate([np.clip(plane.hu_yx[::4, ::4], -1000, 400).ravel() for plane in data.planes])
    return float(values.mean()), float(values.std())


def crops(
    data: LesionSet, index: Index, rng: np.random.Generator, side: int, *, neighbours: int, lesion_frac: float,
    alone: NDArray[np.bool_] | None = None, strides: Index | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Cut a square out of each slice, in `lesion_frac` of those with a tumour round one of its pixels.

    Those that `alone` (N,) names stand for their own neighbours; of the others every `strides`-th (N,) is one.

    Returns
    -------
    Pictures (N, 2 k + 1, side, side) float32 HU and targets (N, 1, side, side) uint8; air and 0 outside the slice. A
    slice that fits twice into the square shares it with others of its domain.
    """
    hu = np.full((len(index), 2 * neighbours + 1, side, side), AIR_HU, np.float32)
    tumour = np.zeros((len(index), 1, side, side), np.uint8)
    for n, at in enumerate(index):
        plane = data.planes[at]
        cell = max(plane.hu_yx.shape)
        near = neighbours, 1 if strides is None else int(strides[n])
        if side // cell > 1:
            for corner, mate in _side_by_side(data, int(at), rng, side):
                _paste(data, mate, corner, hu[n], tumour[n, 0], near)
        else:
            _paste(data, int(at), corner_of(plane.tumour_yx, rng, side, lesion_frac), hu[n], tumour[n, 0], near)
        if alone is not None and alone[n]:
            hu[n] = hu[n, neighbours]
    return torch.from_numpy(hu), torch.from_numpy(tumour)


def _side_by_side(data: LesionSet, at: int, rng: np.random.Generator, side: int) -> list[tuple[tuple[int, int], int]]:
    """Return which slices fill a crop and the corner of the crop in each of them: `at` and its like."""
    plane = data.planes[at]
    cell = max(plane.hu_yx.shape)
    a_side = side // cell
    others = rng.choice(data.mates[plane.domain, cell], a_side * a_side - 1)
    cells = rng.permutation([at, *others])
    return [((-(k // a_side) * cell, -(k % a_side) * cell), int(mate)) for k, mate in enumerate(cells)]


def _paste(
    data: LesionSet, at: int, corner: tuple[int, int], hu_cyx: NDArray[np.float32], tumour_yx: NDArray[np.uint8],
    near: tuple[int, int],
) -> None:  # fmt: skip
    """Copy one slice, its neighbours (how many, how far apart) and its tumour into a crop that begins at `corner`."""
    for channel, hu_yx in enumerate(data.channels(at, *near)):
        cut(hu_yx, corner, hu_cyx[channel])
    cut(data.planes[at].tumour_yx, corner, tumour_yx)


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
