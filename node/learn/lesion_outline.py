"""How the outlines of tumours agree beyond their overlap: distances, volume, and what neighbouring slices say.

    distances     HD, HD95 and ASSD, in mm and in three dimensions where a case is slices that follow one another and
                  known voxels; else of each slice, in mm or, where the pixels are not known, in pixels, mean over the
                  slices where both outlines are; then mean over cases, each unit apart and with its number of cases
    volume        pixels found over pixels of the reference, of a case
    continuity    mean Dice of neighbouring slices as found minus the same of the reference, over pairs in which both
                  are set
    gaps          slices with tumour between the first and the last that are marked, and are not marked themselves
    pieces        found pieces per outlined piece (both with 26 neighbours, of slices that follow one another), of those
                  that were found at all

papers.md, last section. What is None could not be told: nothing was found or nothing was there.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.learn.lesion_score import Found
from node.learn.lesion_set import LesionSet
from node.learn.planes import Plane
from node.learn.statistics import known_mean
from node.learn.surface import distances

Mask = NDArray[np.bool_]
_Slices = list[tuple[Plane, Mask]]
_ALL_SIDES = np.ones((3, 3, 3))


@dataclass(frozen=True, slots=True)
class Outline:
    """One case of a domain; see the module for what each number is."""

    case: str
    domain: str
    unit: str
    hd: float | None
    hd95: float | None
    assd: float | None
    volume_ratio: float
    continuity: float | None
    gaps: int
    pieces: float | None


def outlines(data: LesionSet, found: Iterable[Found], threshold: float) -> list[Outline]:
    """Return the outlines' agreement, case by case, of the cases that have a tumour."""
    cases: dict[tuple[str, str], _Slices] = defaultdict(list)
    for at, p in found:
        plane = data.planes[at]
        cases[plane.case, plane.domain].append((plane, p >= threshold))
    return [
        _of_case(*key, sorted(slices, key=lambda one: (one[0].stack, one[0].z)))
        for key, slices in sorted(cases.items())
        if any(plane.has_tumour for plane, _ in slices)
    ]


def told_outlines(of_cases: Sequence[Outline]) -> dict[str, dict[str, object]]:
    """Return by domain the means over cases, and between which volume ratios half of the cases lie."""
    answer: dict[str, dict[str, object]] = {}
    for domain in sorted({one.domain for one in of_cases}):
        its = [one for one in of_cases if one.domain == domain]
        ratios = [one.volume_ratio for one in its]
        answer[domain] = {
            "distances": [_distances([one for one in its if one.unit == unit], unit) for unit in _units(its)],
            "volume_ratio_quartiles": [float(q) for q in np.percentile(ratios, [25, 50, 75])],
            "continuity": known_mean([one.continuity for one in its]),
            "gaps": sum(one.gaps for one in its),
            "pieces": known_mean([one.pieces for one in its]),
        }
    return answer


def _units(its: Sequence[Outline]) -> list[str]:
    return sorted({one.unit for one in its})


def _distances(its: Sequence[Outline], unit: str) -> dict[str, object]:
    """Return the distances of the cases that are measured in one unit."""
    return {
        "unit": unit,
        "n": sum(one.hd95 is not None for one in its),
        "hd": known_mean([one.hd for one in its]),
        "hd95": known_mean([one.hd95 for one in its]),
        "assd": known_mean([one.assd for one in its]),
    }


def _of_case(case: str, domain: str, slices: _Slices) -> Outline:
    truth = [plane.tumour_yx.astype(bool) for plane, _ in slices]
    masks = [mask for _, mask in slices]
    n_truth = sum(int(t.sum()) for t in truth)
    stretches = _stretches(slices)
    unit, taken = _taken(stretches)
    marked = [at for at, mask in enumerate(masks) if mask.any()]
    gaps = sum(t.any() and not masks[at].any() and marked[0] < at < marked[-1] for at, t in enumerate(truth) if marked)
    one, other = _neighbours(slices, masks), _neighbours(slices, truth)
    return Outline(
        case, domain, unit, known_mean([each["hd"] for each in taken]), known_mean([each["hd95"] for each in taken]),
        known_mean([each["assd"] for each in taken]),
        sum(int(mask.sum()) for mask in masks) / n_truth,
        None if one is None or other is None else one - other, int(gaps), _pieces(stretches),
    )  # fmt: skip


def _stretches(slices: _Slices) -> list[_Slices]:
    """Part sorted slices where one does not follow the other."""
    answer: list[_Slices] = []
    for one in slices:
        last = answer[-1][-1][0] if answer else None
        if last is not None and (one[0].stack, one[0].z) == (last.stack, last.z + 1):
            answer[-1].append(one)
        else:
            answer.append([one])
    return answer


def _taken(stretches: Sequence[_Slices]) -> tuple[str, list[dict[str, float | None]]]:
    """Return the unit and the distances of a case: once in three dimensions, or slice by slice."""
    plane = stretches[0][0][0]
    if len(stretches) == 1 and len(stretches[0]) > 1 and plane.step_mm is not None and plane.pixel_mm is not None:
        return "mm", [distances(*_stacked(stretches[0]), (plane.step_mm, *plane.pixel_mm))]
    known = all(plane.pixel_mm is not None for stretch in stretches for plane, _ in stretch)
    return "mm" if known else "px", [
        distances(mask, plane.tumour_yx.astype(bool), (plane.pixel_mm or (1.0, 1.0)) if known else (1.0, 1.0))
        for stretch in stretches
        for plane, mask in stretch
    ]


def _stacked(stretch: _Slices) -> tuple[Mask, Mask]:
    """Return what was found and what is there, (slices, rows, columns)."""
    return np.stack([mask for _, mask in stretch]), np.stack([plane.tumour_yx.astype(bool) for plane, _ in stretch])


def _pieces(stretches: Sequence[_Slices]) -> float | None:
    """Return the mean number of found pieces that touch an outlined piece, over those that one touches."""
    touching: list[int] = []
    for stretch in stretches:
        mask, truth = _stacked(stretch)
        found, _ = ndimage.label(mask, _ALL_SIDES)
        outlined, n = ndimage.label(truth, _ALL_SIDES)
        touching += [len(np.unique(found[mask & (outlined == number)])) for number in range(1, n + 1)]
    return known_mean([float(n) for n in touching if n])


def _neighbours(slices: _Slices, masks: Sequence[Mask]) -> float | None:
    """Return the mean Dice of slices that follow one another in a stack, None where no two are set."""
    planes = [plane for plane, _ in slices]
    pairs = [
        (a, b)
        for (one, a), (other, b) in pairwise(zip(planes, masks, strict=True))
        if one.stack == other.stack and other.z == one.z + 1 and a.any() and b.any()
    ]
    return known_mean([2.0 * int((a & b).sum()) / int(a.sum() + b.sum()) for a, b in pairs])
