"""Tissue that lung encloses on all sides: a nodule, a crossing of vessels. It belongs to the lung."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_LARGEST_ML = 30.0  # a ball of 38 mm; more is a mass, which the outline leaves out


def with_enclosed(mask: NDArray[np.bool_], voxel_ml: float) -> NDArray[np.bool_]:
    """Fill holes of up to 30 ml that reach no border of the array.

    Parameters
    ----------
    mask : (head, back, left) bool, one lung.
    voxel_ml : of its grid.
    """
    found = [np.nonzero(mask.any(axis=axes))[0] for axes in ((1, 2), (0, 2), (0, 1))]
    if not len(found[0]):
        return mask
    box = tuple(slice(int(f[0]), int(f[-1]) + 1) for f in found)
    labels, n = ndimage.label(np.pad(~mask[box], 1, constant_values=True))
    small = np.bincount(labels.ravel(), minlength=n + 1) * voxel_ml <= _LARGEST_ML
    small[[0, int(labels[0, 0, 0])]] = False
    filled = mask.copy()
    filled[box] |= small[labels][1:-1, 1:-1, 1:-1]
    return filled
