"""The node's own acceptance figures: how often readers changed its results, and by how much."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any

from node.measure.quantity import Side
from node.review.compare import Comparison, LesionAgreement, LungAgreement


@dataclass(frozen=True, slots=True)
class Spread:
    """Number, mean, standard deviation (of the sample; None below two values), smallest and largest of some values."""

    n: int
    mean: float | None
    sd: float | None
    minimum: float | None
    maximum: float | None


def spread(values: Sequence[float]) -> Spread:
    """Describe values; all None where there are none."""
    if not values:
        return Spread(0, None, None, None, None)
    return Spread(len(values), fmean(values), stdev(values) if len(values) > 1 else None, min(values), max(values))


def figures(comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """Return the figures over corrections, one for each result: the last that was saved.

    Returns
    -------
    `n`, `n_unchanged` (saved as it was), per lung Dice, both volumes and their difference (reader minus ours, ml),
    and of lesions how many were added, removed and kept, with the Dice of those that were kept.
    """
    return {
        "n": len(comparisons),
        "n_unchanged": sum(c.is_unchanged for c in comparisons),
        "lungs": {side.value: _lungs(comparisons, side) for side in (Side.RIGHT, Side.LEFT, Side.BOTH)},
        "lesions": _lesions([c for c in comparisons if c.lesions_judged]),
    }


def _lungs(comparisons: Sequence[Comparison], side: Side) -> dict[str, Any]:
    found = [lung for c in comparisons for lung in c.lungs if lung.side is side]

    def over(value: Callable[[LungAgreement], float]) -> dict[str, Any]:
        return asdict(spread([value(lung) for lung in found]))

    return {
        "dice": over(lambda lung: lung.dice),
        "ours_ml": over(lambda lung: lung.ours_ml),
        "readers_ml": over(lambda lung: lung.readers_ml),
        "difference_ml": over(lambda lung: lung.readers_ml - lung.ours_ml),
    }


def _lesions(judged: Sequence[Comparison]) -> dict[str, Any]:
    every: list[LesionAgreement] = [lesion for c in judged for lesion in c.lesions]
    kept = [lesion for lesion in every if lesion.ours is not None and lesion.readers is not None]
    return {
        "n_results": len(judged),
        "n_added": sum(c.n_added for c in judged),
        "n_removed": sum(c.n_removed for c in judged),
        "n_kept": len(kept),
        "dice": asdict(spread([lesion.dice for lesion in kept])),
        "difference_mm3": asdict(spread([lesion.readers_mm3 - lesion.ours_mm3 for lesion in kept])),
    }
