"""How the outlines of tumours agree beyond their overlap: distances, volume, and what neighbouring slices say.

    HD95, ASSD    in mm and in three dimensions for cubes, whose voxels are known; else in pixels of a slice, mean over
                  the slices where both outlines are; then mean over cases
    volume        pixels found over pixels of the reference, of a case
    continuity    mean Dice of neighbouring slices as found minus the same of the reference, over pairs in which both
                  are set
    gaps          slices with tumour between the first and the last that are marked, and are not marked themselves

papers.md, last section. What is None could not be told: nothing was found or nothing was there.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from node.learn.lesion_score import Found
from node.learn.lesion_set import LesionSet
from node.learn.planes import Plane
from node.learn.surface import distances

Mask = NDArray[np.bool_]
_Slices = list[tuple[Plane, Mask]]


@dataclass(frozen=True, slots=True)
class Outline:
    """One case of a domain; see the module for what each number is."""

    case: str
    domain: str
    hd95: float | None
    assd: float | None
    volume_ratio: float
    continuity: float | None
    gaps: int


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
            "unit": "mm" if domain == "cube" else "px",
            "hd95": _mean([one.hd95 for one in its]),
            "assd": _mean([one.assd for one in its]),
            "volume_ratio_quartiles": [float(q) for q in np.percentile(ratios, [25, 50, 75])],
            "continuity": _mean([one.continuity for one in its]),
            "gaps": sum(one.gaps for one in its),
        }
    return answer


def _of_case(case: str, domain: str, slices: _Slices) -> Outline:
    truth = [plane.tumour_yx.astype(bool) for plane, _ in slices]
    masks = [mask for _, mask in slices]
    n_truth = sum(int(t.sum()) for t in truth)
    step_mm = slices[0][0].step_mm
    if domain == "cube" and step_mm is not None:
        taken = [distances(np.stack(masks), np.stack(truth), (step_mm,) * 3)]
    else:
        taken = [distances(mask, t, (1.0, 1.0)) for mask, t in zip(masks, truth, strict=True)]
    marked = [at for at, mask in enumerate(masks) if mask.any()]
    gaps = sum(t.any() and not masks[at].any() and marked[0] < at < marked[-1] for at, t in enumerate(truth) if marked)
    one, other = _neighbours(slices, masks), _neighbours(slices, truth)
    return Outline(
        case, domain, _mean([each["hd95"] for each in taken]), _mean([each["assd"] for each in taken]),
        sum(int(mask.sum()) for mask in masks) / n_truth,
        None if one is None or other is None else one - other, int(gaps),
    )  # fmt: skip


def _neighbours(slices: _Slices, masks: Sequence[Mask]) -> float | None:
    """Return the mean Dice of slices that follow one another in a stack, None where no two are set."""
    planes = [plane for plane, _ in slices]
    pairs = [
        (a, b)
        for (one, a), (other, b) in pairwise(zip(planes, masks, strict=True))
        if one.stack == other.stack and other.z == one.z + 1 and a.any() and b.any()
    ]
    return _mean([2.0 * int((a & b).sum()) / int(a.sum() + b.sum()) for a, b in pairs])


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
