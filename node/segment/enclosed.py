"""Tissue that lung encloses on all sides: a nodule, a crossing of vessels. It belongs to the lung."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.segment.box import box_of

_LARGEST_ML = 30.0  # a ball of 38 mm; more is a mass, which the outline leaves out


def with_enclosed(mask: NDArray[np.bool_], voxel_ml: float) -> NDArray[np.bool_]:
    """Fill holes of up to 30 ml that reach no border of the array.

    Parameters
    ----------
    mask : (head, back, left) bool, one lung.
    voxel_ml : of its grid.
    """
    box = box_of(mask)
    if box is None:
        return mask
    labels, n = ndimage.label(np.pad(~mask[box], 1, constant_values=True))
    small = np.bincount(labels.ravel(), minlength=n + 1) * voxel_ml <= _LARGEST_ML
    small[[0, int(labels[0, 0, 0])]] = False
    filled = mask.copy()
    filled[box] |= small[labels][1:-1, 1:-1, 1:-1]
    return filled
