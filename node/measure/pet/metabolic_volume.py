"""Metabolic tumour volume: the 6-connected piece of voxels above a threshold that holds the maximum.

    41 %    SUV >= 0.41 x SUVmax        2.5, 4.0   SUVbw >= the threshold

All within the lesion's search region. TLG = mean of the same mask x its volume.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.measure.pet.uptake_quantity import Threshold

RELATIVE = 0.41
FIXED_G_ML = {Threshold.MTV25: 2.5, Threshold.MTV40: 4.0}
_CROSS = ndimage.generate_binary_structure(3, 1)


def threshold_g_ml(threshold: Threshold, maximum: float) -> float:
    """Return the lowest uptake that counts."""
    return FIXED_G_ML.get(threshold, RELATIVE * maximum)


def mask_round_maximum(
    suv_zyx: NDArray[np.float32], region_zyx: NDArray[np.bool_], maximum_zyx: tuple[int, int, int], lowest: float
) -> NDArray[np.bool_]:
    """Return the piece above a threshold that holds the maximum.

    Parameters
    ----------
    suv_zyx, region_zyx : of one shape, the lesion's box
    maximum_zyx : index in them
    lowest : g/ml; not above the maximum
    """
    labels, _ = ndimage.label((suv_zyx >= np.float32(lowest)) & region_zyx, _CROSS)
    piece: NDArray[np.bool_] = labels == labels[maximum_zyx]
    return piece
