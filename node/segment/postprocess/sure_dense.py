"""Dense tissue is lung only where a network is sure of it: air speaks for itself, a mass has to be recognised.

A network of masses and consolidation leaks into what is as dense beside them: hila, the aorta, the mediastinum. What
leaks is told with half a mind, what is right with certainty at its core. So a dense piece of a slice stays as it was
drawn where a third of it is sure, and goes as a whole where it is not. Measured on the scans that serve for choosing
in docs/evaluation.md.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.segment.postprocess.domes_off import TISSUE_HU

SURE = 0.8  # unless a model says otherwise
CORE_FRAC = 0.3  # of a piece's pixels


def without_unsure_dense(
    mask: NDArray[np.bool_], p: NDArray[np.uint8], hu: NDArray[np.int16], sure: float
) -> NDArray[np.bool_]:
    """Return the mask without the dense pieces that hold too few sure pixels.

    Parameters
    ----------
    mask, p, hu : (slices, rows, columns) bool, 255 times the probability, HU.
    sure : probability from which a pixel is sure.
    """
    answer = mask.copy()
    for z in np.nonzero(mask.any((1, 2)))[0]:
        pieces, n = ndimage.label(mask[z] & (hu[z] >= TISSUE_HU))
        n_all, n_sure = (np.bincount(pieces[at].ravel(), minlength=n + 1) for at in (..., p[z] >= round(255.0 * sure)))
        unsure = n_sure < CORE_FRAC * n_all
        unsure[0] = False
        answer[z] &= ~unsure[pieces]
    return answer
