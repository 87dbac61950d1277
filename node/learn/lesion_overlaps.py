"""Every overlap measure of the tumours' outlines, by case and by domain: papers.md, last section.

A case's pixels are counted together (what is called pooled elsewhere). Means, standard deviations and intervals are
over the cases that have a tumour; the false positive rate is inside the body.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from node.learn.lesion_score import CaseScore, Found
from node.learn.lesion_set import LesionSet
from node.learn.metrics import Confusion, confusion, overlaps
from node.learn.statistics import interval
from node.segment.preprocess.body import body

_NONE = Confusion(0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class CaseOverlaps:
    """One case of a domain that has a tumour; `measures` are those of `metrics.overlaps`."""

    case: str
    domain: str
    counts: Confusion
    measures: dict[str, float | None]


def overlaps_by_case(data: LesionSet, found: Iterable[Found], threshold: float) -> list[CaseOverlaps]:
    """Count the pixels of each case and return its measures; cases without a tumour are left out."""
    counts: dict[tuple[str, str], Confusion] = {}
    for at, p in found:
        plane = data.planes[at]
        inside = body(plane.hu_yx.astype(np.float32))
        key = (plane.case, plane.domain)
        counts[key] = counts.get(key, _NONE) + confusion(p >= threshold, plane.tumour_yx.astype(bool), inside)
    return [CaseOverlaps(*key, count, overlaps(count)) for key, count in sorted(counts.items()) if count.tp + count.fn]


def told_overlaps(
    of_cases: Sequence[CaseOverlaps], scores: Sequence[CaseScore]
) -> dict[str, dict[str, dict[str, object]]]:
    """Return by domain and measure: mean, sd, interval, median, best and the number of cases; and the counts.

    Parameters
    ----------
    scores : of the same cases, for their slice Dice.
    """
    answer: dict[str, dict[str, dict[str, object]]] = {}
    for domain in sorted({one.domain for one in of_cases}):
        its = [one for one in of_cases if one.domain == domain]
        columns = {name: [one.measures[name] for one in its] for name in its[0].measures}
        columns["slice_dice"] = [one.slice_dice for one in scores if one.domain == domain]
        total = sum((one.counts for one in its), _NONE)
        answer[domain] = {name: _spread(values) for name, values in columns.items()}
        answer[domain]["confusion"] = {"tp": total.tp, "fp": total.fp, "fn": total.fn, "tn": total.tn}
    return answer


def _spread(values: Sequence[float | None]) -> dict[str, object]:
    known = [value for value in values if value is not None]
    return {
        "n": len(known),
        "mean": float(np.mean(known)) if known else None,
        "sd": float(np.std(known, ddof=1)) if len(known) > 1 else None,
        "interval": interval(known),
        "median": float(np.median(known)) if known else None,
        "best": max(known, default=None),
    }
