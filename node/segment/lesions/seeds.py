"""Where a small nodule may be: small dense pieces that are tied to nothing, inside the closed lungs, and round them.

A nodule on a vessel is no such piece and is left to the reduced slices.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_DENSE_HU = -550
_LARGEST_MM3 = 4200.0  # a ball of 20 mm, which the reduced slices show well
_LEAST_MM3 = 10.0
_ROUND_MM = 8.0  # of a piece, within the slice, belongs to what native tiles are asked about


def small_seeds(
    hu: NDArray[np.int16], inside: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """Return the small dense pieces and what lies within 8 mm of them, rows and columns.

    Parameters
    ----------
    hu, inside : (head, back, left), the same grid; inside the closed lungs.
    """
    labels, n = ndimage.label((hu > _DENSE_HU) & inside)
    mm3 = np.bincount(labels.ravel(), minlength=n + 1) * float(np.prod(spacing_mm))
    small = (mm3 >= _LEAST_MM3) & (mm3 <= _LARGEST_MM3)
    small[0] = False
    return _round(small[labels], spacing_mm)


def _round(pieces: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> NDArray[np.bool_]:
    """Return pieces and what is round them, slice by slice: squares, which cost nothing."""
    answer = pieces.astype(np.uint8)
    for z in np.flatnonzero(pieces.any(axis=(1, 2))):
        for axis, mm in enumerate(spacing_mm[1:]):
            answer[z] = ndimage.maximum_filter1d(answer[z], 2 * round(_ROUND_MM / mm) + 1, axis)
    return answer.astype(np.bool_)
