"""How sure a mean over patients is, and whether two systems differ: bootstrap, Wilcoxon, Holm.

The unit is the patient: slices of one patient are not independent. With few patients a test can't reach a small p; its
number of pairs always stands beside it.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

_DRAWS = 10000


def interval(values: Sequence[float], seed: int = 0, level: float = 0.95) -> tuple[float, float] | None:
    """Return the percentile bootstrap interval of the mean over patients; None under two patients."""
    if len(values) < 2:
        return None
    means = _resampled(np.asarray(values, np.float64), seed).mean(1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def known_mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of what is known, None where nothing is."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def wilcoxon(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """Return the two-sided p of the signed-rank test over pairs by case; None where all pairs are equal or none is."""
    difference = np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)
    if len(difference) == 0 or not difference.any():
        return None
    return float(stats.wilcoxon(difference).pvalue)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return p values corrected for standing in one table (Holm 1979), in the order given."""
    order = np.argsort(p_values)
    corrected = np.empty(len(p_values))
    running = 0.0
    for rank, i in enumerate(order):
        running = max(running, (len(p_values) - rank) * p_values[i])
        corrected[i] = min(running, 1.0)
    return tuple(float(p) for p in corrected)


def _resampled(values: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return values[rng.integers(0, len(values), (_DRAWS, len(values)))]
