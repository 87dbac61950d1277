"""One tumour network as it answers a whole scan: reduced slices, then native tiles where something small may be.

    slices   reduced to the size that it learnt at, cut to the box that is searched, with neighbours as channels
    runs     P4: sequences over the slices that overlap by half, averaged; the gap in units of 10 mm as a channel
    thin     scans with a step below `step_mm` are averaged in groups of slices, and answers interpolated between them
    tiles    cells of 128 x 128 native pixels that hold a seed, each with 32 more on every side; round the seeds the
             logits' mean with the reduced slice's, as P3 does it (ADR 0023: everywhere in the cell it cut masses)

The batch is fixed, so that a result does not depend on what else runs; it is halved only where memory does not suffice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from node.segment.memory import available_bytes, halved
from node.segment.preprocess.lesion_recipes import recipe
from node.segment.preprocess.magnify import brought_back, magnified
from node.segment.preprocess.resize import to_network
from node.segment.runtime import Runtime, channels_last

BATCH = 8
_CELL_PX = 128
_BESIDE_PX = 32
_MULTIPLE_PX = 16  # of which sides are, for the networks' four poolings
GAP_UNIT_MM = 10.0
_BYTES_A_PIXEL = 2400  # of one slice inside a network of width 16, measured; wider ones in proportion
_AIR_HU = -1024

Hu = NDArray[np.int16]
Mask = NDArray[np.bool_]
Window = tuple[slice, slice]


@dataclass(frozen=True, slots=True)
class NetPlan:
    """What happens before and after one network.

    Attributes
    ----------
    recipe, mean_hu, sd_hu : from HU to its channels.
    size : slices that are larger are reduced to this many rows and columns, as in its training.
    neighbours : slices on either side as channels; run_length : slices in a sequence, 0 for networks of single slices.
    magnify : how many times as large the network is shown a picture.
    width : of its first level; for the estimate of memory.
    flips : whether the answer is the mean of the picture's and its mirror image's.
    step_mm : scans with thinner steps are averaged in groups of about this; 0 never.
    tiles : none, seeds (native tiles where something small may be) or all (everywhere in the box).
    """

    recipe: str
    mean_hu: float = 0.0
    sd_hu: float = 1.0
    size: int = 256
    neighbours: int = 1
    run_length: int = 0
    magnify: int = 1
    width: int = 16
    flips: bool = False
    step_mm: float = 2.0
    tiles: str = "none"


class LesionNet:
    """Holds one network, warm, on one device."""

    def __init__(self, model: nn.Module, plan: NetPlan, runtime: Runtime) -> None:
        self._model = channels_last(model.to(runtime.device).eval())
        self.plan = plan
        self.runtime = runtime
        self._prepare = recipe(plan.recipe, plan.mean_hu, plan.sd_hu)

    def probabilities(
        self, hu: Hu, step_mm: float, window: Window, wanted: Mask, seeds: Mask | None
    ) -> NDArray[np.uint8]:
        """Return 255 times the probability of tumour inside a window of every slice, on the slices' own grid.

        Parameters
        ----------
        hu : (slices, rows, columns), HU, from the feet, the usual view.
        step_mm : distance of the slices.
        window : rows and columns that are searched.
        wanted : (slices,) bool, slices that are searched; the others are 0.
        seeds : inside the window, where native tiles are worth it and count; None without tiles.
        """
        group = group_of(step_mm, self.plan.step_mm)
        thick = grouped(hu, group)
        chosen = np.flatnonzero(_any_of_group(wanted, group))
        answer = np.zeros((len(thick), _length(window[0]), _length(window[1])), np.uint8)
        if len(chosen):
            logits = self._coarse(thick, step_mm * group, window, chosen)
            if seeds is not None and self.plan.tiles != "none" and max(hu.shape[1:]) > self.plan.size:
                near = np.stack([part.any(axis=0) for part in _groups(seeds, group)])
                self._refine(logits, thick, step_mm * group, window, near, chosen)
            for at, one in zip(chosen, logits, strict=True):
                answer[at] = np.rint(255.0 / (1.0 + np.exp(-one))).astype(np.uint8)
        return between(answer, group, len(hu))

    def _coarse(self, hu: Hu, step_mm: float, window: Window, chosen: NDArray[np.intp]) -> list[NDArray[np.float32]]:
        """Answer the reduced slices; return logits on the window's own grid."""
        shape_yx = (hu.shape[1], hu.shape[2])
        pictures = torch.stack([self._reduced(hu_yx) for hu_yx in hu])
        small, inner = _small_window(window, shape_yx, (int(pictures.shape[1]), int(pictures.shape[2])))
        found = self._answers(pictures[:, small[0], small[1]], step_mm, chosen)
        sides = tuple(_length(s) for s in inner)
        logits = []
        for one in found:
            whole = F.interpolate(one[None, None], sides, mode="bilinear")[0, 0].numpy()
            logits.append(whole[_within(window[0], inner[0]), _within(window[1], inner[1])].copy())
        return logits

    def _reduced(self, hu_yx: Hu) -> Tensor:
        picture = torch.from_numpy(hu_yx.astype(np.float32))
        if max(picture.shape) <= self.plan.size:
            return picture
        return to_network(picture[None, None], self.plan.size)[0, 0]

    def _refine(
        self, logits: list[NDArray[np.float32]], hu: Hu, step_mm: float, window: Window, near: Mask,
        chosen: NDArray[np.intp],
    ) -> None:  # fmt: skip
        """Take native tiles into the logits where something small may be, cell by cell, in place."""
        place = {int(at): i for i, at in enumerate(chosen)}
        for cell in _cells(near.shape[1:]):
            here = [int(at) for at in chosen if self.plan.tiles == "all" or near[at][cell].any()]
            if not here:
                continue
            first, last = max(here[0] - self.plan.neighbours, 0), min(here[-1] + self.plan.neighbours, len(hu) - 1)
            tile = _tile(hu[first : last + 1], cell, window)
            found = self._answers(torch.from_numpy(tile), step_mm, np.array(here) - first)
            h, w = _length(cell[0]), _length(cell[1])
            for at, one in zip(here, found, strict=True):
                native = one[_BESIDE_PX : _BESIDE_PX + h, _BESIDE_PX : _BESIDE_PX + w].numpy()
                coarse = logits[place[at]][cell]
                counts = True if self.plan.tiles == "all" else near[at][cell]
                logits[place[at]][cell] = np.where(counts, (coarse + native) / 2.0, coarse)

    def _answers(self, pictures: Tensor, step_mm: float, chosen: NDArray[np.intp]) -> list[Tensor]:
        """Return logits (rows, columns) of the chosen pictures; their sides are padded to what the poolings need."""
        h, w = int(pictures.shape[1]), int(pictures.shape[2])
        padded = F.pad(pictures, (0, -w % _MULTIPLE_PX, 0, -h % _MULTIPLE_PX), value=_AIR_HU)
        found = self._of_runs(padded, step_mm, chosen) if self.plan.run_length else self._of_slices(padded, chosen)
        return [one[:h, :w] for one in found]

    def _of_slices(self, pictures: Tensor, chosen: NDArray[np.intp]) -> list[Tensor]:
        around = np.arange(-self.plan.neighbours, self.plan.neighbours + 1)
        index = np.clip(chosen[:, None] + around, 0, len(pictures) - 1)
        found: list[Tensor] = []
        n = self._batch(int(pictures.shape[1]) * int(pictures.shape[2]), BATCH)
        while len(found) < len(index):
            part = index[len(found) : len(found) + n]
            try:
                x = self._prepare(magnified(pictures[part], self.plan.magnify))
                found += brought_back(self._forward(x[:, None]), self.plan.magnify)[:, 0]
            except (RuntimeError, MemoryError) as error:
                n = halved(n, error)
        return found

    def _of_runs(self, pictures: Tensor, step_mm: float, chosen: NDArray[np.intp]) -> list[Tensor]:
        total = torch.zeros(pictures.shape)
        n = torch.zeros(len(pictures))
        length = self.plan.run_length
        for run in _runs(chosen):
            for first in starts(len(run), length):
                index = run[first : first + length]
                x = self._prepare(pictures[index][:, None])  # (T, C, H, W)
                gap_mm = torch.tensor([0.0, *[step_mm] * (len(index) - 1)]) / GAP_UNIT_MM
                x = torch.cat((x, gap_mm[:, None, None, None].expand(-1, 1, *x.shape[2:])), 1)
                try:
                    total[index] += self._forward(x[None])[0]
                except (RuntimeError, MemoryError) as error:
                    halved(1, error)
                n[index] += 1.0
        return [total[at] / n[at] for at in chosen]

    def _forward(self, x: Tensor) -> Tensor:
        """Return logits (B, T, H, W) of (B, T, C, H, W); networks of single slices see one slice a run."""
        single = not self.plan.run_length
        x = x[:, 0] if single else x
        x = x.to(self.runtime.device)
        if single:
            x = x.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            logits = self._logits(x)
            if self.plan.flips:
                p = (torch.sigmoid(logits) + torch.sigmoid(self._logits(x.flip(-1)).flip(-1))) / 2.0
                logits = torch.logit(p, eps=1e-6)
        logits = logits.cpu()
        return logits if single else logits[:, :, 0]

    def _logits(self, x: Tensor) -> Tensor:
        with self.runtime.autocast():
            answer: Tensor = self._model(x).main
        return answer.float()

    def _batch(self, n_pixels: int, most: int) -> int:
        """Return how many slices of this size fit into a half of the free memory, a power of two up to `most`."""
        if self.runtime.device.type != "cpu":
            return most
        each = n_pixels * self.plan.magnify**2 * _BYTES_A_PIXEL * self.plan.width // 16
        n = most
        while n > 1 and n * each > available_bytes() // 2:
            n //= 2
        return n


def group_of(step_mm: float, wanted_mm: float) -> int:
    """Return how many slices are averaged."""
    return max(1, round(wanted_mm / step_mm)) if wanted_mm else 1


def grouped(hu: Hu, group: int) -> Hu:
    """Average groups of neighbouring slices; the last one may be smaller."""
    if group == 1:
        return hu
    return np.stack([np.rint(part.mean(axis=0, dtype=np.float32)).astype(np.int16) for part in _groups(hu, group)])


def between(p: NDArray[np.uint8], group: int, n: int) -> NDArray[np.uint8]:
    """Bring the answers of groups back to slices: linear between the groups' middles."""
    if group == 1:
        return p
    middles = np.array([(first + min(first + group, n) - 1) / 2.0 for first in range(0, n, group)])
    answer = np.empty((n, *p.shape[1:]), np.uint8)
    for z in range(n):
        upper = int(np.clip(np.searchsorted(middles, z), 1, max(len(middles) - 1, 1)))
        lower = upper - 1
        if len(middles) == 1:
            answer[z] = p[0]
            continue
        share = float(np.clip((z - middles[lower]) / (middles[upper] - middles[lower]), 0.0, 1.0))
        answer[z] = np.rint((1.0 - share) * p[lower] + share * p[upper].astype(np.float32)).astype(np.uint8)
    return answer


def starts(n: int, length: int) -> list[int]:
    """Return where sequences begin: overlapping by half, the last one ends with the run."""
    last = max(n - length, 0)
    return sorted({*range(0, last + 1, max(length // 2, 1)), last})


def _groups(array: NDArray[np.generic], group: int) -> Iterator[NDArray[np.generic]]:
    return (array[first : first + group] for first in range(0, len(array), group))


def _any_of_group(wanted: Mask, group: int) -> Mask:
    return np.array([bool(part.any()) for part in _groups(wanted, group)])


def _runs(chosen: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    return np.split(chosen, np.flatnonzero(np.diff(chosen) > 1) + 1)


def _length(one: slice) -> int:
    return int(one.stop) - int(one.start)


def _small_window(window: Window, shape_yx: tuple[int, int], small_yx: tuple[int, int]) -> tuple[Window, Window]:
    """Return the reduced pixels that hold a window, and what they cover on the native grid."""
    small, inner = [], []
    for one, n, m in zip(window, shape_yx, small_yx, strict=True):
        first, stop = one.start * m // n, -(-one.stop * m // n)
        while (first * n) % m and first:  # native edges must be whole pixels
            first -= 1
        while (stop * n) % m and stop < m:
            stop += 1
        small.append(slice(first, stop))
        inner.append(slice(first * n // m, stop * n // m))
    return (small[0], small[1]), (inner[0], inner[1])


def _within(one: slice, outer: slice) -> slice:
    return slice(one.start - outer.start, one.stop - outer.start)


def _cells(shape_yx: Sequence[int]) -> Iterator[Window]:
    h, w = shape_yx
    for top in range(0, h, _CELL_PX):
        for left in range(0, w, _CELL_PX):
            yield slice(top, min(top + _CELL_PX, h)), slice(left, min(left + _CELL_PX, w))


def _tile(hu: Hu, cell: Window, window: Window) -> NDArray[np.float32]:
    """Cut a cell of the window with what is beside it; air outside the slice."""
    spans = [(s.start + w.start - _BESIDE_PX, s.stop + w.start + _BESIDE_PX) for s, w in zip(cell, window, strict=True)]
    tile = np.full((len(hu), *(stop - start for start, stop in spans)), _AIR_HU, np.float32)
    inner = [(max(start, 0), min(stop, n)) for (start, stop), n in zip(spans, hu.shape[1:], strict=True)]
    (y0, y1), (x0, x1) = inner
    tile[:, y0 - spans[0][0] : y1 - spans[0][0], x0 - spans[1][0] : x1 - spans[1][0]] = hu[:, y0:y1, x0:x1]
    return tile
