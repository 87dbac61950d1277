"""Gating to the thorax: what a slice-wise network marks outside the lungs goes, in three dimensions.

P0 names false positives outside the thorax as its own open point, and slice selection or 3D context as the way. The
lungs are the largest connected parts; a further part stays where it is large beside them. Both stay inside the body.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.segment.box import box_of
from node.segment.part_sizes import part_sizes

_SMALLEST_ML = 2.0
_FRAC_OF_LARGEST = 0.02  # a lobe cut off by tumour or effusion stays, bowel gas and specks go


def thorax_only(mask_zyx: NDArray[np.bool_], voxel_ml: float) -> NDArray[np.bool_]:
    """Keep the large connected parts of a lung mask.

    Parameters
    ----------
    mask_zyx : (slices, rows, columns) bool.
    voxel_ml : ml.
    """
    box = box_of(mask_zyx)
    if box is None:
        return mask_zyx
    labels, n = ndimage.label(mask_zyx[box])
    size_ml = part_sizes(labels, n) * voxel_ml
    size_ml[0] = 0.0
    keep = size_ml >= max(_SMALLEST_ML, _FRAC_OF_LARGEST * float(size_ml.max()))
    keep[0] = False
    kept = np.zeros_like(mask_zyx)
    kept[box] = keep[labels]
    return kept
