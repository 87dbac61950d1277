"""Aerated lung that a network lost in one piece and the rules see: a recess beside the diaphragm, an apex.

Such a piece is a whole end of the lung, cut off level, which the network has on no slice or on every other one. Hazy
lung round a tumour and a tumour's rim, which a network keeps out on purpose, are denser; the air of a pneumothorax, of
a bronchus or of the stomach holds no tissue and is darker.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.segment.box import box_of
from node.segment.part_sizes import part_sizes

_SMALLEST_ML = 2.0
# Of what is so large on the scans of training and choosing: recess and apices -722, -655 and -569, a half-aerated lobe
# -354; haze round a tumour has been -474, a cut main bronchus below 2 ml.
_LUNG_HU = (-950.0, -560.0)
_THIN_MM = 3.0  # a seam along a border is no piece

Mask = NDArray[np.bool_]


def with_recesses(mask: Mask, by_rules: Mask, hu: NDArray[np.int16], spacing_mm: tuple[float, float, float]) -> Mask:
    """Return the mask with the pieces of aerated lung that only the rules have.

    Parameters
    ----------
    mask, by_rules, hu : (head, back, left) bool, bool and int16, HU.
    spacing_mm : mm, the same order.
    """
    lost = by_rules & ~mask
    box = box_of(lost)
    if box is None:
        return mask
    labels, n = ndimage.label(_thick(lost[box], spacing_mm))
    if not n:
        return mask
    size_ml = part_sizes(labels, n)[1:] * float(np.prod(spacing_mm)) / 1000.0
    mean_hu = np.asarray(ndimage.mean(hu[box], labels, np.arange(1, n + 1)))
    lowest_hu, highest_hu = _LUNG_HU
    taken = np.zeros(n + 1, bool)
    taken[1:] = (size_ml >= _SMALLEST_ML) & (mean_hu >= lowest_hu) & (mean_hu <= highest_hu)
    answer = mask.copy()
    answer[box] |= taken[labels]
    return answer


def _thick(lost: Mask, spacing_mm: tuple[float, float, float]) -> Mask:
    """Take off what is thinner than a few millimetres within its slice."""
    across = [max(3, round(_THIN_MM / mm) | 1) for mm in spacing_mm[1:]]
    return np.asarray(ndimage.binary_opening(lost, np.ones((1, *across), bool)))
