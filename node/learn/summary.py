"""From measured items to one line of a table: means over patients, intervals, and what was counted apart.

`dice_mean` is the mean over items with a non-empty reference within a patient, then over patients; `dice_pooled_mean`
counts each patient's voxels together first. The papers don't say which of the two they print.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from node.learn.judge import Measured
from node.learn.metrics import Confusion, dice
from node.learn.statistics import interval

Table = dict[str, dict[str, float | None]]


def per_case(measured: Sequence[Measured]) -> Table:
    """Return each patient's measures: means over its items of what could be taken."""
    by_case: dict[str, list[Measured]] = defaultdict(list)
    for one in measured:
        by_case[one.case].append(one)
    return {case: _case(found) for case, found in sorted(by_case.items())}


def summary(name: str, split: str, measured: Sequence[Measured]) -> dict[str, Any]:
    """Return the figures of one model on one group."""
    table = per_case(measured)
    answer: dict[str, Any] = {
        "name": name,
        "split": split,
        "group": "+".join(sorted({one.group for one in measured})),
        "n_cases": len(table),
        "n_slices": sum(one.n_slices for one in measured),
    }
    for measure in _measures(table):
        values = [value for case in table.values() if (value := case.get(measure)) is not None]
        answer[f"{measure}_mean"] = float(np.mean(values)) if values else None
        answer[f"{measure}_sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
        answer[f"{measure}_n"] = len(values)
    answer |= _extremes(table)
    slice_dice = [d for one in measured for d in one.slice_dice]
    answer["dice_slice_mean"] = float(np.mean(slice_dice)) if slice_dice else None
    answer["dice_slice_median"] = float(np.median(slice_dice)) if slice_dice else None
    n_empty = sum(one.n_empty for one in measured)
    answer["n_empty"] = n_empty
    answer["empty_fp_rate"] = sum(one.n_empty_marked for one in measured) / n_empty if n_empty else None
    answer["confusion"] = _counts(measured)
    return answer


def _case(found: Sequence[Measured]) -> dict[str, float | None]:
    """Return one patient's means, and its Dice over all voxels together."""
    names = dict.fromkeys(name for one in found for name in one.values)
    answer: dict[str, float | None] = {}
    for name in names:
        values = [value for one in found if (value := one.values.get(name)) is not None]
        answer[name] = float(np.mean(values)) if values else None
    answer["dice_pooled"] = dice(_total(found))
    return answer


def _total(found: Sequence[Measured]) -> Confusion:
    return sum((one.counts for one in found[1:]), found[0].counts)


def _measures(table: Table) -> list[str]:
    return list(dict.fromkeys(name for case in table.values() for name in case))


def _extremes(table: Table) -> dict[str, Any]:
    """Return median, best and worst patient of Dice and IoU, and the interval of the mean Dice."""
    answer: dict[str, Any] = {}
    for measure in ("dice", "iou"):
        values = [value for case in table.values() if (value := case.get(measure)) is not None]
        answer[f"{measure}_median"] = float(np.median(values)) if values else None
        answer[f"{measure}_best"] = max(values, default=None)
        answer[f"{measure}_worst"] = min(values, default=None)
    known = [value for case in table.values() if (value := case.get("dice")) is not None]
    answer["dice_interval"] = interval(known)
    return answer


def _counts(measured: Sequence[Measured]) -> dict[str, int]:
    total = _total(measured)
    return {"tp": total.tp, "fp": total.fp, "fn": total.fn, "tn": total.tn}
