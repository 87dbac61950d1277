"""Which pieces of air inside the body are lung.

Lung tissue holds air and blood: its core lies between -950 and -550 HU. Gas in stomach and bowel is plain air; tubes
of stool, streaks beside metal and skin folds are small and denser.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_LARGE_ML = 100.0
_SMALLEST_ML = 2.0
_LARGE_MEDIAN_HU = (-965, -400)
_SMALL_MEDIAN_HU = (-930, -600)
_GAS_HU = -950  # a tenth of a small piece below this: it holds gas


def lung_pieces(hu: NDArray[np.int16], air: NDArray[np.bool_], voxel_ml: float) -> NDArray[np.bool_]:
    """Keep those connected pieces of `air` that are lung.

    Parameters
    ----------
    hu, air : (head, back, left) int16 and bool, the working grid; airways are out already.
    voxel_ml : of that grid.
    """
    labels, n = ndimage.label(air)
    volumes_ml = np.bincount(labels.ravel(), minlength=n + 1) * voxel_ml
    keep = np.zeros(n + 1, bool)
    core = ndimage.binary_erosion(air)
    for index, box in enumerate(ndimage.find_objects(labels), start=1):
        if volumes_ml[index] < _SMALLEST_ML:
            continue
        inside = labels[box] == index
        inner = inside & core[box]
        values = hu[box][inner if inner.any() else inside]
        keep[index] = _is_lung(values, float(volumes_ml[index]))
    return np.asarray(keep[labels], bool)


def _is_lung(core_hu: NDArray[np.int16], volume_ml: float) -> bool:
    dark_hu, median_hu = np.percentile(core_hu, [10, 50])
    if volume_ml >= _LARGE_ML:
        return bool(_LARGE_MEDIAN_HU[0] < median_hu < _LARGE_MEDIAN_HU[1])
    return bool(_SMALL_MEDIAN_HU[0] < median_hu < _SMALL_MEDIAN_HU[1] and dark_hu > _GAS_HU)
