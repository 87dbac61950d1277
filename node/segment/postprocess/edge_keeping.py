"""P3's morphological smoothing that keeps edges: opening and closing by reconstruction, slice by slice.

An opening removes what is thinner than the disc and rounds what stays; rebuilt from it inside the mask, every part that
stays gets its own outline back. The closing does the same to holes.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]


def edge_keeping(mask_zyx: Mask, radius_px: int = 1) -> Mask:
    """Remove parts and fill holes into which no disc of `radius_px` fits; outlines of the rest stay as they are.

    Parameters
    ----------
    mask_zyx : (slices, rows, columns) bool.
    radius_px : 0 changes nothing.
    """
    if radius_px == 0:
        return mask_zyx.copy()
    disc = _disc(radius_px)
    answer = np.empty_like(mask_zyx)
    for z, mask_yx in enumerate(mask_zyx):
        opened = ndimage.binary_propagation(ndimage.binary_erosion(mask_yx, disc), mask=mask_yx)
        outside = ~opened
        seeds = ndimage.binary_erosion(outside, disc, border_value=1)
        answer[z] = ~ndimage.binary_propagation(seeds, mask=outside)
    return answer


def _disc(radius_px: int) -> Mask:
    y, x = np.mgrid[-radius_px : radius_px + 1, -radius_px : radius_px + 1]
    disc: Mask = y * y + x * x <= radius_px * radius_px
    return disc
