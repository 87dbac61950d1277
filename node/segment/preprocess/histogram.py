"""P0, equation 9: bring a series' histogram to that of the reference domain, I' = H_ref^-1(H_in(I)).

The paper matches clinical input only. Decision: only input outside the reference domain (kernel, contrast or scanner
that the training rows do not have), one CDF per series over the body, without padding and air; the reference CDF comes
from the training rows and is shipped with the model. The matched picture feeds the network only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LOW_HU = -1000
HIGH_HU = 400
_BINS_HU = np.arange(LOW_HU, HIGH_HU + 1, dtype=np.float64)
# Beyond these mean distances of quantiles a series lies outside the reference domain. Training scans differ from their
# common CDF by up to 104 HU among air-like values (breath) and 26 HU among tissue, two other scans by 69 and 52.
LUNG_LIMIT_HU = 150.0
TISSUE_LIMIT_HU = 80.0
_LUNG_BELOW_HU = -500
_TISSUE_ABOVE_HU = -300


@dataclass(frozen=True, slots=True)
class Cdf:
    """Cumulative frequency of the values -1000 ... 400 HU, one per HU, rising to 1."""

    frac: NDArray[np.float64]

    def quantile_hu(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the lowest HU up to which at least the fraction `p` lies; empty bins are stepped over."""
        return _BINS_HU[np.minimum(np.searchsorted(self.frac, p), len(_BINS_HU) - 1)]


def cdf_of(hu: NDArray[np.float32]) -> Cdf:
    """Return the CDF of values inside the body, HU; what lies outside -1000 ... 400 counts at the ends."""
    counts = np.bincount(
        np.rint(np.clip(hu, LOW_HU, HIGH_HU)).astype(np.intp).ravel() - LOW_HU, minlength=len(_BINS_HU)
    )
    return Cdf(np.cumsum(counts) / max(counts.sum(), 1))


def shifts_hu(one: Cdf, other: Cdf) -> tuple[float, float]:
    """Return the mean distance of quantiles among air-like values and among tissue, HU.

    Each range by itself, because how much of a scan is lung says nothing about its intensities.
    """
    low = _mean_distance(one, other, LOW_HU, _LUNG_BELOW_HU)
    return low, _mean_distance(one, other, _TISSUE_ABOVE_HU, HIGH_HU)


def is_foreign(source: Cdf, reference: Cdf) -> bool:
    """Tell whether a series lies outside the reference domain."""
    lung_hu, tissue_hu = shifts_hu(source, reference)
    return lung_hu > LUNG_LIMIT_HU or tissue_hu > TISSUE_LIMIT_HU


def match(hu: NDArray[np.float32], source: Cdf, reference: Cdf) -> NDArray[np.float32]:
    """Return H_ref^-1(H_in(I)) for every value; values outside -1000 ... 400 HU stay as they are."""
    table_hu = reference.quantile_hu(source.frac)
    whole = np.rint(np.clip(hu, LOW_HU, HIGH_HU))  # a value between two HU moves with the nearer one
    matched = table_hu[whole.astype(np.intp) - LOW_HU] + (hu - whole)
    inside = (hu >= LOW_HU) & (hu <= HIGH_HU)
    return np.where(inside, matched, hu).astype(np.float32)


def _mean_distance(one: Cdf, other: Cdf, low_hu: int, high_hu: int) -> float:
    """Return the mean distance of the quantiles 5 % ... 95 % of the values in a range; 0 where either has none."""
    p = np.linspace(0.05, 0.95, 91)
    quantiles = []
    for cdf in (one, other):
        part = np.diff(cdf.frac, prepend=0.0)[low_hu - LOW_HU : high_hu - LOW_HU + 1]
        if part.sum() <= 0.0:
            return 0.0
        quantiles.append(np.searchsorted(np.cumsum(part) / part.sum(), p))
    return float(np.abs(quantiles[0] - quantiles[1]).mean())
