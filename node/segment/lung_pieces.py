"""Which pieces of air inside the body are lung.

Lung tissue holds air and blood: the core of a piece lies between -950 and -400 HU. Gas in stomach and bowel is plain
air; tubes of stool, streaks beside metal and skin folds are small and denser. A very small piece is lung only where
it lies beside a large one, and what lies below the lungs is bowel, whatever it holds.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_LUNG_ML = 1000.0  # this much air inside the body is no bowel, however dark emphysema makes it
_LARGE_ML = 100.0
_SMALL_ML = 20.0
_SMALLEST_ML = 0.5
_LARGE_MEDIAN_HU = (-950, -400)
_SMALL_MEDIAN_HU = (-930, -600)
_GAS_HU = -950  # a tenth of a small piece below this: it holds gas
_LUNG_FRAC = 0.5  # of the largest piece: a whole lung, or both
_BELOW_FRAC = 0.5  # a smaller piece with more than this below the lowest slice of those is no lung
_BESIDE_VOXELS = 3  # within the slice, about 6 mm; one slice up or down

_IN_SLICE = np.zeros((3, 3, 3), bool)
_IN_SLICE[1] = ndimage.generate_binary_structure(2, 1)


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
    keep &= (volumes_ml >= _SMALL_ML) | _beside(labels, keep & (volumes_ml >= _LARGE_ML))
    keep &= ~_below(labels, keep, volumes_ml)
    return np.asarray(keep[labels], bool)


def _below(
    labels: NDArray[np.int32], keep: NDArray[np.bool_], volumes_ml: NDArray[np.floating[Any]]
) -> NDArray[np.bool_]:
    """Tell for every label whether most of it lies below the whole lungs: both bases are at one height."""
    whole = keep & (volumes_ml >= _LUNG_FRAC * volumes_ml[keep].max(initial=0.0))
    heights = np.flatnonzero(whole[labels].any(axis=(1, 2)))
    if not len(heights):
        return np.zeros_like(keep)
    n_below = np.bincount(labels[: heights[0]].ravel(), minlength=len(keep))
    n = np.bincount(labels.ravel(), minlength=len(keep))
    return np.asarray(n_below > _BELOW_FRAC * n, bool)


def _is_lung(core_hu: NDArray[np.int16], volume_ml: float) -> bool:
    dark_hu, median_hu = np.percentile(core_hu, [10, 50])
    if volume_ml >= _LUNG_ML:
        return bool(median_hu < _LARGE_MEDIAN_HU[1])
    if volume_ml >= _LARGE_ML:
        return bool(_LARGE_MEDIAN_HU[0] < median_hu < _LARGE_MEDIAN_HU[1])
    return bool(_SMALL_MEDIAN_HU[0] < median_hu < _SMALL_MEDIAN_HU[1] and dark_hu > _GAS_HU)


def _beside(labels: NDArray[np.int32], large: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell for every label whether it lies beside one of the large ones."""
    near = ndimage.binary_dilation(large[labels], _IN_SLICE, iterations=_BESIDE_VOXELS)
    near = ndimage.binary_dilation(near, np.ones((3, 1, 1), bool))
    beside = np.zeros(len(large), bool)
    beside[labels[near]] = True
    return beside
