"""Gating to the thorax: what a slice-wise network marks outside the lungs goes, in three dimensions.

P0 names false positives outside the thorax as its own open point, and slice selection or 3D context as the way. The
lungs are the largest connected parts; a further part stays where it is large beside them. Both stay inside the body.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_SMALLEST_ML = 2.0
_FRAC_OF_LARGEST = 0.02  # a lobe cut off by tumour or effusion stays, bowel gas and specks go


def thorax_only(mask_zyx: NDArray[np.bool_], voxel_ml: float) -> NDArray[np.bool_]:
    """Keep the large connected parts of a lung mask.

    Parameters
    ----------
    mask_zyx : (slices, rows, columns) bool.
    voxel_ml : ml.
    """
    labels, n = ndimage.label(mask_zyx)
    if n == 0:
        return mask_zyx
    size_ml = np.bincount(labels.ravel(), minlength=n + 1) * voxel_ml
    size_ml[0] = 0.0
    keep = size_ml >= max(_SMALLEST_ML, _FRAC_OF_LARGEST * float(size_ml.max()))
    keep[0] = False
    kept: NDArray[np.bool_] = keep[labels]
    return kept
