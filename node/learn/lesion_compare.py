"""Two judged tumour trainings beside one another: differences paired by patient, domain by domain.

`not_inferior` says that the 95 % interval of the difference lies above minus the margin; with few patients it hardly
can.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from node.learn.statistics import holm, interval, wilcoxon

MARGIN = 0.01  # of Dice
_MEASURES = ("slice_dice", "pooled_dice")


@dataclass(frozen=True, slots=True)
class Difference:
    """One measure in one domain: ours minus the baseline's, mean over patients.

    Attributes
    ----------
    interval : 95 %, bootstrap over patients; None under two patients.
    p, p_holm : Wilcoxon's signed-rank test, and corrected for all compared at once; None where nothing differs.
    """

    domain: str
    measure: str
    n_cases: int
    mean: float
    interval: tuple[float, float] | None
    p: float | None
    p_holm: float | None
    not_inferior: bool


def differences(ours: Mapping[str, Any], baseline: Mapping[str, Any]) -> list[Difference]:
    """Compare two answers of `lesion_judge.judge` on the same rows; patients without a tumour are left out."""
    theirs = {(case["domain"], case["case"]): case for case in baseline["cases"]}
    found = []
    for domain in ours["domains"]:
        for measure in _MEASURES:
            pairs = [
                (case[measure], theirs[domain, case["case"]][measure])
                for case in ours["cases"]
                if case["domain"] == domain and case[measure] is not None
            ]
            if pairs:
                found.append((domain, measure, pairs))
    tested = {(domain, measure): wilcoxon(*zip(*pairs, strict=True)) for domain, measure, pairs in found}
    known = {key: p for key, p in tested.items() if p is not None}
    corrected = dict(zip(known, holm(list(known.values())), strict=True))
    return [
        _difference(
            domain, measure, [a - b for a, b in pairs], tested[domain, measure], corrected.get((domain, measure))
        )
        for domain, measure, pairs in found
    ]


def _difference(domain: str, measure: str, values: list[float], p: float | None, p_holm: float | None) -> Difference:
    spread = interval(values)
    return Difference(
        domain, measure, len(values), sum(values) / len(values), spread, p, p_holm,
        spread is not None and spread[0] > -MARGIN,
    )  # fmt: skip
