"""Holes of a lung with lesions: what lies inside the pleura belongs to it (P1's definition)."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def filled(mask_zyx: NDArray[np.bool_], pixel_mm2: float, largest_mm2: float) -> NDArray[np.bool_]:
    """Fill the holes of each slice up to an area; a diaphragm's dome is larger and stays out.

    Parameters
    ----------
    mask_zyx : (slices, rows, columns) bool.
    pixel_mm2, largest_mm2 : mm2.
    """
    answer = mask_zyx.copy()
    for z, mask_yx in enumerate(mask_zyx):
        holes = ndimage.binary_fill_holes(mask_yx) & ~mask_yx
        labels, n = ndimage.label(holes)
        if n:
            size_mm2 = np.bincount(labels.ravel(), minlength=n + 1) * pixel_mm2
            answer[z] |= holes & (size_mm2[labels] <= largest_mm2)
    return answer
