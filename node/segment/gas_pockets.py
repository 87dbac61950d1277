"""Gas of stomach or bowel that hangs on the lung, where the diaphragm is thinner than a slice.

Dark air low in the chest whose surroundings, a few millimetres away, are mostly tissue is such a pocket. An
emphysematous bulla looks alike inside, but lies in lung.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_GAS_HU = -950
_TISSUE_HU = -200
_VOLUME_ML = (0.5, 400.0)
_TISSUE_FRAC = 0.55
_LOW_FRAC = 0.4  # the diaphragm's domes lie in the lower part of the lungs' height
_WALL_VOXELS = 2  # where gas and wall share a voxel
_AROUND_VOXELS = 4

_IN_SLICE = np.zeros((3, 3, 3), bool)
_IN_SLICE[1] = ndimage.generate_binary_structure(2, 1)


def without_gas(hu: NDArray[np.int16], lungs: NDArray[np.bool_], voxel_ml: float) -> NDArray[np.bool_]:
    """Take pockets of gas off the lungs.

    Parameters
    ----------
    hu, lungs : (head, back, left) int16 and bool, the working grid.
    voxel_ml : of that grid.
    """
    heights = np.nonzero(lungs.any(axis=(1, 2)))[0]
    if not len(heights):
        return lungs
    low = int(heights[0] + _LOW_FRAC * (heights[-1] - heights[0]))
    labels, n = ndimage.label((lungs & (hu < _GAS_HU))[: low + 1])
    volumes_ml = np.bincount(labels.ravel(), minlength=n + 1) * voxel_ml
    kept = lungs.copy()
    for index, box in enumerate(ndimage.find_objects(labels), start=1):
        if not _VOLUME_ML[0] <= volumes_ml[index] <= _VOLUME_ML[1]:
            continue
        wide = tuple(
            slice(max(s.start - _AROUND_VOXELS, 0), min(s.stop + _AROUND_VOXELS, size))
            for s, size in zip(box, labels.shape, strict=True)
        )
        gas = labels[wide] == index
        rim = ndimage.binary_dilation(gas, _IN_SLICE, iterations=_WALL_VOXELS)
        around = ndimage.binary_dilation(rim, _IN_SLICE, iterations=_AROUND_VOXELS - _WALL_VOXELS) & ~rim
        if around.any() and float((hu[wide][around] > _TISSUE_HU).mean()) > _TISSUE_FRAC:
            kept[wide] &= ~rim
    return kept
