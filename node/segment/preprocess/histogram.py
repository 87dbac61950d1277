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
SHIFT_LIMIT_HU = 60.0  # mean distance of quantiles beyond which a series counts as outside the reference domain


@dataclass(frozen=True, slots=True)
class Cdf:
    """Cumulative frequency of the values -1000 ... 400 HU, one per HU, rising to 1."""

    frac: NDArray[np.float64]

    def quantile_hu(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the lowest HU up to which at least the fraction `p` lies; empty bins are stepped over."""
        rising, first = np.unique(self.frac, return_index=True)
        return np.interp(p, rising, _BINS_HU[first])


def cdf_of(hu: NDArray[np.float32]) -> Cdf:
    """Return the CDF of values inside the body, HU; what lies outside -1000 ... 400 counts at the ends."""
    counts = np.bincount(
        np.rint(np.clip(hu, LOW_HU, HIGH_HU)).astype(np.intp).ravel() - LOW_HU, minlength=len(_BINS_HU)
    )
    return Cdf(np.cumsum(counts) / max(counts.sum(), 1))


def distance_hu(one: Cdf, other: Cdf) -> float:
    """Return the mean distance of the quantiles 1 % ... 99 %, HU: how far a series is from the reference."""
    p = np.linspace(0.01, 0.99, 99)
    return float(np.abs(one.quantile_hu(p) - other.quantile_hu(p)).mean())


def match(hu: NDArray[np.float32], source: Cdf, reference: Cdf) -> NDArray[np.float32]:
    """Return H_ref^-1(H_in(I)) for every value; values outside -1000 ... 400 HU stay as they are."""
    table_hu = reference.quantile_hu(source.frac)
    whole = np.rint(np.clip(hu, LOW_HU, HIGH_HU))  # a value between two HU moves with the nearer one
    matched = table_hu[whole.astype(np.intp) - LOW_HU] + (hu - whole)
    inside = (hu >= LOW_HU) & (hu <= HIGH_HU)
    return np.where(inside, matched, hu).astype(np.float32)
