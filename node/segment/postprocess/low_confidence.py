"""P3's regions of low confidence, filtered and shown as such, and its bar: a tumour's probability by slice."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]

_SIDE_PX = 5  # one bright pixel is no tumour


@dataclass(frozen=True, slots=True)
class Sorted:
    """A mask in two: what is believed, and what is shown as of low confidence."""

    sure_zyx: Mask
    unsure_zyx: Mask


def sort_by_confidence(p_zyx: NDArray[np.uint8], mask_zyx: Mask, least: float) -> Sorted:
    """Part the connected regions of a mask by their mean probability.

    Parameters
    ----------
    p_zyx : (slices, rows, columns) 0 ... 255.
    mask_zyx : the same shape.
    least : mean probability, 0 ... 1, below which a region is of low confidence.
    """
    labels, n = ndimage.label(mask_zyx)
    if n == 0:
        return Sorted(mask_zyx.copy(), np.zeros_like(mask_zyx))
    means = np.asarray(ndimage.mean(p_zyx, labels, np.arange(n + 1))) / 255.0
    is_sure = means >= least
    is_sure[0] = False
    sure: Mask = is_sure[labels]
    return Sorted(sure, mask_zyx & ~sure)


def slice_probabilities(p_zyx: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the probability of a tumour on each slice: the highest mean over 5 x 5 pixels, 0 ... 1."""
    means = (ndimage.uniform_filter(p_yx.astype(np.float64), _SIDE_PX, mode="constant").max() for p_yx in p_zyx)
    return np.array([mean / 255.0 for mean in means])
