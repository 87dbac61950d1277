"""Slice continuity: neighbours have a say where a slice is unsure, by distance in mm and not by number."""

import numpy as np
from numpy.typing import NDArray

_REACH_MM = 1.5  # standard deviation of the weights along the series


def smoothed(p_zyx: NDArray[np.uint8], step_mm: float) -> NDArray[np.uint8]:
    """Return the mean of each pixel and its two neighbours along the first axis, weighted by a Gaussian of 1.5 mm.

    Parameters
    ----------
    p_zyx : (slices, rows, columns) 0 ... 255.
    step_mm : distance of the slices.
    """
    side = float(np.exp(-0.5 * (step_mm / _REACH_MM) ** 2))
    if len(p_zyx) < 3 or side < 0.01:
        return p_zyx
    answer = np.empty_like(p_zyx)
    last = len(p_zyx) - 1
    for z in range(len(p_zyx)):  # slice by slice: the series is never held in single precision
        around = p_zyx[max(z - 1, 0)].astype(np.float32) + p_zyx[min(z + 1, last)]
        answer[z] = np.rint((p_zyx[z] + side * around) / (1.0 + 2.0 * side)).astype(np.uint8)
    return answer
