"""From a scan and its lungs to marks: the networks' mean probability, candidates, limits, confidence."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.segment.box import Box, box_of
from node.segment.contract import Segmentation
from node.segment.lesions.candidates import Candidate, candidates
from node.segment.lesions.confidence import Confidence
from node.segment.lesions.dense import dense_frac
from node.segment.lesions.mark import Mark
from node.segment.lesions.net import LesionNet
from node.segment.lesions.outliner import Outliner
from node.segment.lesions.search_region import SearchRegion, search_region
from node.segment.lesions.seeds import small_seeds
from node.segment.lesions.shape import Shape, shape_of
from node.segment.lesions.under_dome import is_under_dome
from node.segment.working_grid import WorkingGrid

_BEYOND_MM = 20.0  # how far the search window reaches beyond the region, in the plane: a mass is searched whole

Hu = NDArray[np.int16]
Probabilities = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class FindPlan:
    """What makes a mark.

    Attributes
    ----------
    threshold : probability from which a voxel is tumour.
    least_mm3 : the smallest mark: a ball of 3.4 mm by default.
    peak : probability that a mark's surest voxel must have.
    """

    threshold: float = 0.5
    least_mm3: float = 20.0
    peak: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """All marks of a scan on its working axes, and how much of them is beyond what may be believed.

    Attributes
    ----------
    marks : the most voluminous first.
    p : (head, back, left) 0 ... 255.
    area : where it was searched.
    n_left_out : candidates under the diaphragm or outside the measured limits.
    """

    marks: tuple[Mark, ...]
    p: Probabilities
    area: SearchRegion
    n_left_out: int


class Finder:
    """One network or several whose probabilities are averaged."""

    def __init__(
        self,
        nets: Sequence[LesionNet],
        plan: FindPlan,
        confidence: Confidence | None = None,
        outliner: Outliner | None = None,
    ) -> None:
        self.nets = tuple(nets)
        self.plan = plan
        self.confidence = confidence
        self.outliner = outliner

    def find(self, hu: Hu, lungs: Segmentation, grid: WorkingGrid) -> Found:
        """Find the marks of a scan.

        Parameters
        ----------
        hu : (head, back, left) int16, the scan along its working axes, from the feet.
        lungs : the scan's, on its own grid.
        """
        spacing_mm = grid.full_spacing_mm
        area = search_region(lungs, hu, grid)
        p = self.probabilities(hu, area, spacing_mm)
        return self.judged(hu, p, area, spacing_mm)

    def probabilities(self, hu: Hu, area: SearchRegion, spacing_mm: tuple[float, float, float]) -> Probabilities:
        """Return the networks' mean probability on the whole grid; 0 in the aorta and outside the search window."""
        answer = np.zeros(hu.shape, np.uint8)
        window = _window(area, spacing_mm)
        if window is None:
            return answer
        inner = (window[1], window[2])
        wanted = np.zeros(len(hu), bool)
        wanted[window[0]] = True
        seeds = None
        if any(net.plan.tiles != "none" for net in self.nets):
            seeds = small_seeds(hu[:, inner[0], inner[1]], area.inside[:, inner[0], inner[1]], spacing_mm)
        total = np.zeros((len(hu), *(s.stop - s.start for s in inner)), np.uint16)
        for net in self.nets:
            total += net.probabilities(hu, spacing_mm[0], inner, wanted, seeds)
        answer[:, inner[0], inner[1]] = (total + len(self.nets) // 2) // len(self.nets)
        if area.aorta is not None:
            answer[area.aorta] = 0
        return answer

    def judged(self, hu: Hu, p: Probabilities, area: SearchRegion, spacing_mm: tuple[float, float, float]) -> Found:
        """Turn probabilities into marks."""
        found = p >= round(255.0 * self.plan.threshold)
        parts = candidates(found, area.region, hu, spacing_mm, self.plan.least_mm3)
        marks = [self._mark(one, shape_of(one, p, hu, area.inside, spacing_mm), hu) for one in parts]
        marks = [mark for mark in marks if mark.shape.p_max >= self.plan.peak]
        above = [mark for mark in marks if not is_under_dome(mark.candidate, area.inside, spacing_mm[0])]
        kept = [mark for mark in above if self.confidence is None or self.confidence.allows(mark.shape)]
        kept.sort(key=lambda mark: (-mark.candidate.n_voxels, mark.candidate.box[0].start, mark.candidate.box[1].start))
        return Found(tuple(kept), p, area, len(marks) - len(kept))

    def outlined(self, marks: tuple[Mark, ...], hu: Hu, area: SearchRegion, grid: WorkingGrid) -> tuple[Mark, ...]:
        """Return the marks that are written down as they are drawn: by the network for outlines, if there is one.

        Confidence and limits are those of the marks as they were found, which is what they were fitted on.
        """
        if self.outliner is None:
            return marks
        return self.outliner.outlined(marks, hu, grid.full_spacing_mm, area.aorta)

    def _mark(self, one: Candidate, shape: Shape, hu: Hu) -> Mark:
        confidence = None if self.confidence is None else self.confidence.of(shape)
        return Mark(one, shape, confidence, dense_frac(hu[one.box], one.mask))


def _window(area: SearchRegion, spacing_mm: tuple[float, float, float]) -> Box | None:
    """Return the box that is searched: the region's, and a margin in the plane."""
    box = box_of(area.region)
    if box is None:
        return None
    _, ny, nx = area.region.shape
    y, x = (
        slice(max(s.start - int(_BEYOND_MM / mm), 0), min(s.stop + int(_BEYOND_MM / mm), n))
        for s, mm, n in zip(box[1:], spacing_mm[1:], (ny, nx), strict=True)
    )
    return (slice(box[0].start, min(box[0].stop, len(area.region))), y, x)
