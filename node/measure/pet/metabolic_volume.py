"""Metabolic tumour volume: the 6-connected piece of voxels above a threshold that holds the maximum.

    41 %    SUV >= 0.41 x SUVmax        2.5, 4.0   SUVbw >= the threshold

All within the lesion's search region. TLG = mean of the same mask x its volume.

A share of the maximum means nothing where the lesion hardly stands out from what is round it: the piece then takes up
its surroundings (Cancers 2020, 12, 601, table 2: overestimation at a low lesion-to-background ratio), as far as the
search region lets it. A fixed threshold does the same beside a hot organ. So a piece that goes on beyond the region is
no volume of the lesion, and a maximum beside a hotter voxel outside is none of the lesion.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.measure.pet.search_region import SearchRegion
from node.measure.pet.uptake_quantity import Threshold

RELATIVE = 0.41
FIXED_G_ML = {Threshold.MTV25: 2.5, Threshold.MTV40: 4.0}
_CROSS = ndimage.generate_binary_structure(3, 1)
_ROUND = ndimage.generate_binary_structure(3, 3)


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


def goes_on(suv_zyx: NDArray[np.float32], region: SearchRegion, piece_zyx: NDArray[np.bool_], lowest: float) -> bool:
    """Tell whether the piece is cut off: by the search region, so that uptake touches it from outside, or by the scan.

    Parameters
    ----------
    suv_zyx : the whole PET
    piece_zyx : from `mask_round_maximum`, in the region's box
    lowest : g/ml, the threshold of the piece
    """
    at = _beside(region, piece_zyx, _CROSS)
    if ((at < 0) | (at >= suv_zyx.shape)).any():
        return True
    return bool((suv_zyx[tuple(at.T)] >= np.float32(lowest)).any())


def has_hotter_neighbour(suv_zyx: NDArray[np.float32], region: SearchRegion, maximum_zyx: tuple[int, int, int]) -> bool:
    """Tell whether one of the maximum's 26 neighbours lies outside the search region and is hotter.

    Parameters
    ----------
    suv_zyx : the whole PET
    maximum_zyx : index of the region's maximum in its box
    """
    alone = np.zeros_like(region.mask_zyx)
    alone[maximum_zyx] = True
    at = _beside(region, alone, _ROUND)
    at = at[((at >= 0) & (at < suv_zyx.shape)).all(axis=1)]
    return bool((suv_zyx[tuple(at.T)] > suv_zyx[region.box][maximum_zyx]).any())


def _beside(region: SearchRegion, piece_zyx: NDArray[np.bool_], steps: NDArray[np.bool_]) -> NDArray[np.int_]:
    """Return the indices in the PET, even beyond it, of what touches a piece from outside the search region."""
    touching = ndimage.binary_dilation(np.pad(piece_zyx, 1), steps) & ~np.pad(region.mask_zyx, 1)
    at: NDArray[np.int_] = np.argwhere(touching) + [s.start - 1 for s in region.box]
    return at
