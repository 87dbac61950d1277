"""Draws a nodule anew by a network that learnt outlines: a cube round its mark, answered in three dimensions.

The networks that search a scan see slices of 1.4 mm and more, and learn from outlines that are loose; they know where a
nodule is better than where it ends. Measured in ADR 0027.

    mark ─ cube of voxels as long as wide ─ network ─ piece under the mark ─ its body

What it is not sure to draw better stays as it was found: marks that are hardly lesions, thick slices, which it never
learnt, a piece that goes on beyond the cube, nothing under the mark, what would reach into another mark, and what is so
much larger or smaller than the mark that it is something else. Masses, which it never learnt, either, lose what leans
on them (`mass_body`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.segment.box import Box
from node.segment.lesions.candidates import Candidate, tight
from node.segment.lesions.cube_net import CubeNet
from node.segment.lesions.mark import Mark
from node.segment.lesions.mass_body import mass_body
from node.segment.lesions.nodule_body import nodule_body

_LIKELY = 0.6  # confidence from which a mark is redrawn: of 34 that a reviewer saw below it two are lesions
_LONGEST_MM = 50.0  # of a mark; nodules that were learnt from are up to 35 mm wide, and marks are larger than they
_THICKEST_MM = 5.5  # from slice to slice; of thicker ones it makes no better outline than a loose mark is
_EDGE_MM = (0.5, 0.9)  # of a voxel; those of the cubes that were learnt from are 0.50 to 0.92 mm long
_BESIDE_MM = 10.0  # on either side of the mark
_LEAST_FRAC = 0.25  # of the mark: a part of a mass beside another mark came out in a seventh
_MOST_TIMES = 6.0  # as large as the mark: of a hollow nodule only a quarter may have been found
_MULTIPLE = 16  # of which a cube's side is, for the network's poolings
_LEAST_SIDE, _MOST_SIDE = 32, 96  # of a cube, in voxels: at the most half a gigabyte and two seconds of a core
_CORNERS = ndimage.generate_binary_structure(3, 3)

Hu = NDArray[np.int16]
Mask = NDArray[np.bool_]
Spacing = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class _Cube:
    """Where a cube lies in a scan: its side in voxels, their edge, its middle in voxels of the scan."""

    side: int
    edge_mm: float
    middle: tuple[float, ...]
    spacing_mm: Spacing

    def places(self) -> list[NDArray[np.float64]]:
        """Return for each axis where the cube's voxels lie, in voxels of the scan."""
        steps = (np.arange(self.side, dtype=np.float64) - (self.side - 1) / 2.0) * self.edge_mm
        return [at + steps / mm for at, mm in zip(self.middle, self.spacing_mm, strict=True)]

    def back(self, axis: int, at: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return where voxels of the scan lie along an axis, in voxels of the cube."""
        away_mm = (at.astype(np.float64) - self.middle[axis]) * self.spacing_mm[axis]
        return away_mm / self.edge_mm + (self.side - 1) / 2.0


class Outliner:
    """One network for outlines, warm; `train_cases` are the patients that it learnt from."""

    def __init__(self, net: CubeNet, threshold: float = 0.5, train_cases: frozenset[str] = frozenset()) -> None:
        self.net = net
        self._threshold = threshold
        self.train_cases = train_cases

    def outlined(self, marks: Sequence[Mark], hu: Hu, spacing_mm: Spacing, aorta: Mask | None) -> tuple[Mark, ...]:
        """Return the marks with their nodules drawn anew where that is sure, the most voluminous first.

        Parameters
        ----------
        hu : (head, back, left) int16, the scan along its working axes, from the feet.
        spacing_mm : mm, the same order.
        aorta : the same grid; never nodule.
        """
        owner = np.zeros(hu.shape, np.uint8 if len(marks) < 256 else np.uint16)
        for number, mark in enumerate(marks, start=1):
            owner[mark.candidate.box][mark.candidate.mask] = number
        drawn = []
        for number, mark in enumerate(marks, start=1):
            old = mark.candidate
            is_likely = mark.confidence is None or mark.confidence >= _LIKELY
            new = self._drawn(old, hu, spacing_mm, aorta) if is_likely else None
            if new is not None and np.isin(owner[new.box][new.mask], (0, number)).all():
                owner[old.box][old.mask] = 0
                owner[new.box][new.mask] = number
                drawn.append(replace(mark, candidate=new))
            else:
                drawn.append(mark)
        return tuple(sorted(drawn, key=lambda mark: -mark.candidate.n_voxels))

    def _drawn(self, old: Candidate, hu: Hu, spacing_mm: Spacing, aorta: Mask | None) -> Candidate | None:
        """Return a mark drawn anew, None where it stays as it is."""
        longest_mm = max((s.stop - s.start) * mm for s, mm in zip(old.box, spacing_mm, strict=True))
        if longest_mm > _LONGEST_MM:
            body = mass_body(old.mask, spacing_mm)
            return None if np.array_equal(body, old.mask) else tight(body, old.box)
        if spacing_mm[0] > _THICKEST_MM:
            return None
        cube = _cube(old.box, longest_mm, spacing_mm)
        within, places = _surroundings(cube, hu.shape)
        around = np.rint(_sampled(hu[within].astype(np.float32), places, within)).astype(np.int16)
        p = self.net.of_cube(around)
        under = _sampled(_inside(old, within), places, within) >= 0.5
        pieces, n = ndimage.label(p >= self._threshold, _CORNERS)
        shared = np.bincount(pieces[under], minlength=n + 1)[1:]
        if not shared.any():
            return None
        piece = pieces == 1 + int(shared.argmax())
        if _reaches_border(piece):
            return None
        body = nodule_body(piece, under, around)
        p = np.where(body, np.maximum(p, self._threshold), np.where(pieces > 0, 0.0, p)).astype(np.float32)
        back = np.meshgrid(
            *(cube.back(axis, np.arange(s.start, s.stop)) for axis, s in enumerate(within)), indexing="ij"
        )
        drawn = ndimage.map_coordinates(p, back, order=1) >= self._threshold
        if aorta is not None:
            drawn &= ~aorta[within]
        n_new, n_old = int(np.count_nonzero(drawn)), old.n_voxels
        return tight(drawn, within) if _LEAST_FRAC * n_old <= n_new <= _MOST_TIMES * n_old else None


def _cube(box: Box, longest_mm: float, spacing_mm: Spacing) -> _Cube:
    """Return the cube round a mark."""
    span_mm = longest_mm + 2.0 * _BESIDE_MM
    edge_mm = float(np.clip(max(spacing_mm[1], span_mm / _MOST_SIDE), *_EDGE_MM))
    side = int(np.ceil(round(span_mm / edge_mm / _MULTIPLE, 6))) * _MULTIPLE
    return _Cube(max(side, _LEAST_SIDE), edge_mm, tuple((s.start + s.stop - 1) / 2.0 for s in box), spacing_mm)


def _surroundings(cube: _Cube, shape: tuple[int, ...]) -> tuple[Box, list[NDArray[np.float64]]]:
    """Return the part of a scan that a cube lies in, and the cube's places; beyond the scan its border goes on."""
    places = [np.clip(at, 0.0, n - 1.0) for at, n in zip(cube.places(), shape, strict=True)]
    z, y, x = (slice(int(at[0]), min(int(np.ceil(at[-1])) + 1, n)) for at, n in zip(places, shape, strict=True))
    return (z, y, x), places


def _sampled(voxels: NDArray[np.float32], places: Sequence[NDArray[np.float64]], within: Box) -> NDArray[np.float32]:
    """Interpolate linearly at places given for each axis, which together make a cube."""
    grid = np.meshgrid(*(at - s.start for at, s in zip(places, within, strict=True)), indexing="ij")
    sampled: NDArray[np.float32] = ndimage.map_coordinates(voxels, grid, order=1, mode="nearest")
    return sampled


def _inside(one: Candidate, within: Box) -> NDArray[np.float32]:
    """Return a mark as 0 and 1 on a part of the scan that holds it."""
    marked = np.zeros([s.stop - s.start for s in within], np.float32)
    z, y, x = (slice(s.start - o.start, s.stop - o.start) for s, o in zip(one.box, within, strict=True))
    marked[z, y, x] = one.mask
    return marked


def _reaches_border(piece: Mask) -> bool:
    return any(bool(piece.take(end, axis).any()) for axis in range(3) for end in (0, -1))
