"""Where a small nodule may be: small dense pieces that are tied to nothing, inside the closed lungs.

A nodule on a vessel is no such piece; the reduced slices' own answer is the other kind of seed.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_DENSE_HU = -550
_LARGEST_MM3 = 4200.0  # a ball of 20 mm, which the reduced slices show well
_LEAST_MM3 = 10.0


def small_seeds(
    hu: NDArray[np.int16], inside: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """Return the small dense pieces.

    Parameters
    ----------
    hu, inside : (head, back, left), the same grid; inside the closed lungs.
    """
    labels, n = ndimage.label((hu > _DENSE_HU) & inside)
    mm3 = np.bincount(labels.ravel(), minlength=n + 1) * float(np.prod(spacing_mm))
    small = (mm3 >= _LEAST_MM3) & (mm3 <= _LARGEST_MM3)
    small[0] = False
    seeds: NDArray[np.bool_] = small[labels]
    return seeds
