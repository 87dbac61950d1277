"""SUVpeak: the largest mean over a sphere of 1 cm3 whose centre runs over a lesion's voxels (PERCIST).

The sphere may reach out of the lesion; a centre whose mean then exceeds the lesion's own maximum shows a hotter
neighbour and is left out. More than 10 % outside the scan: refused.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.measure.pet.sphere import sphere_weights

RADIUS_MM = 6.2035  # of 1 cm3
MOST_OUTSIDE_FRAC = 0.1


@dataclass(frozen=True, slots=True)
class Peak:
    """`suv` and the centre's index; `outside_frac` of the sphere lies outside the scan."""

    suv: float
    centre_zyx: tuple[int, int, int]
    outside_frac: float


def suv_peak(
    suv_zyx: NDArray[np.float32], lps_from_zyx: NDArray[np.float64], centres_zyx: NDArray[np.int_], maximum: float
) -> Peak | None:
    """Find the peak.

    Parameters
    ----------
    suv_zyx : (slices, rows, columns) float32, g/ml
    lps_from_zyx : (4, 4) float64, mm
    centres_zyx : (n, 3) indices of the lesion's voxels, n >= 1
    maximum : the lesion's SUVmax, which no peak exceeds

    Returns
    -------
    None where every sphere holds a hotter neighbour.
    """
    weights = sphere_weights(lps_from_zyx, RADIUS_MM)
    half = np.array(weights.shape) // 2
    low = np.maximum(centres_zyx.min(axis=0) - half, 0)
    high = np.minimum(centres_zyx.max(axis=0) + half + 1, suv_zyx.shape)
    values = suv_zyx[tuple(slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))].astype(np.float64)
    # outside the scan both sums miss the same weights
    weighed = ndimage.correlate(values, weights, mode="constant", cval=0.0)
    inside = ndimage.correlate(np.ones_like(values), weights, mode="constant", cval=0.0)
    at = tuple((centres_zyx - low).T)
    means = weighed[at] / inside[at]
    allowed = np.where(means <= maximum * (1.0 + 1e-9), means, -np.inf)
    best = int(allowed.argmax())
    if not np.isfinite(allowed[best]):
        return None
    z, y, x = centres_zyx[best].tolist()
    share = float(inside[at][best] / weights.sum())
    return Peak(min(float(allowed[best]), maximum), (z, y, x), 1.0 - share)
