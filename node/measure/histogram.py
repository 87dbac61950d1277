"""Statistics of the attenuation of a region, from its histogram of whole Hounsfield units.

    mean, SD      over all voxels; SD is that of the population
    LAA           percentage of voxels at or below a threshold
    percentile    linear between order statistics, as numpy's `linear`

Histograms add, so the union of two regions needs no second look at the voxels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.errors import OurMistake

_LOWEST_HU = -32768
_BINS = 65536


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many voxels have which value: `counts[i]` of value `i - 32768`."""

    counts: NDArray[np.int64]

    def __add__(self, other: "Histogram") -> "Histogram":
        return Histogram(self.counts + other.counts)

    @property
    def n_voxels(self) -> int:
        """How many voxels there are."""
        return int(self.counts.sum())


def histogram(hu: NDArray[np.int16]) -> Histogram:
    """Count the values of a region.

    Parameters
    ----------
    hu : (n,) int16, Hounsfield units.
    """
    return Histogram(np.bincount(hu.astype(np.int32) - _LOWEST_HU, minlength=_BINS))


def mean_hu(region: Histogram) -> float:
    """Return the mean, HU."""
    total = int(region.counts @ np.arange(_LOWEST_HU, _LOWEST_HU + _BINS, dtype=np.int64))
    return total / _count(region)


def sd_hu(region: Histogram) -> float:
    """Return the population's standard deviation, HU."""
    away = np.arange(_LOWEST_HU, _LOWEST_HU + _BINS, dtype=np.float64) - mean_hu(region)
    return float(np.sqrt((region.counts * away * away).sum() / _count(region)))


def at_or_below_percent(region: Histogram, threshold_hu: int) -> float:
    """Return the percentage of voxels with `HU <= threshold_hu`."""
    return 100.0 * int(region.counts[: threshold_hu - _LOWEST_HU + 1].sum()) / _count(region)


def percentile_hu(region: Histogram, percent: float) -> float:
    """Return the percentile, HU, linear between the two nearest order statistics."""
    place = (_count(region) - 1) * percent / 100.0
    lower = int(place)
    cumulative = np.cumsum(region.counts)
    first, second = (
        int(np.searchsorted(cumulative, rank, side="right")) + _LOWEST_HU
        for rank in (lower, min(lower + 1, _count(region) - 1))
    )
    return first + (second - first) * (place - lower)


def _count(region: Histogram) -> int:
    n = region.n_voxels
    if n == 0:
        raise OurMistake("EMPTY-REGION", "statistics were asked for a region without voxels")
    return n
