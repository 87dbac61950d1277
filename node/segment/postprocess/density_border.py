"""A network's lungs with their border where the density says: a network knows what is lung, the scan where it ends.

Networks answer on pictures coarser than the scan, and their border wanders by a pixel or two of those. Within a band
round it, a pixel is lung where it is darker than the border value; what is denser stays only where it is thick (a
tumour on the wall, for definitions that take it in), and small gaps (vessels) are closed. Dark parts that the network
saw nothing of (gas under the diaphragm, a bronchus beside the lung) are not taken in. Slice by slice, as the labels
were made.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.segment.box import box_of

BORDER_HU = -250.0
_INWARD_MM = 4.0
_OUTWARD_MM = 2.0  # less: where a network left a tumour out, its aerated rim stays out, too
_THICK_MM = 4.0
_CLOSE_MM = 3.0
_SEEN_FRAC = 0.2  # of a part in the mask, for the part to be lung

Mask = NDArray[np.bool_]


def at_density_border(mask_zyx: Mask, hu_zyx: NDArray[np.int16], pixel_mm: float) -> Mask:
    """Draw the border of a lung mask anew.

    Parameters
    ----------
    mask_zyx : (slices, rows, columns) bool, a network's answer.
    hu_zyx : the same shape, HU.
    pixel_mm : side of a pixel, mm.
    """
    drawn = np.zeros_like(mask_zyx)
    margin = int(np.ceil((_OUTWARD_MM + _CLOSE_MM) / pixel_mm)) + 1
    box = box_of(mask_zyx, margin)
    if box is None:
        return drawn
    for z in np.nonzero(mask_zyx.any((1, 2)))[0]:
        plane = (z, *box[1:])
        drawn[plane] = _drawn(mask_zyx[plane], hu_zyx[plane], pixel_mm)
    return drawn


def _drawn(mask_yx: Mask, hu_yx: NDArray[np.int16], pixel_mm: float) -> Mask:
    within = _far_from(~mask_yx, _INWARD_MM / pixel_mm)
    near = ~_far_from(mask_yx, _OUTWARD_MM / pixel_mm)
    dark = (hu_yx < BORDER_HU) & near
    thick = mask_yx & _far_from(dark, _THICK_MM / pixel_mm)
    parts, n = ndimage.label(within | dark)
    share = np.bincount(parts[mask_yx], minlength=n + 1)[1:] / np.maximum(
        np.bincount(parts.ravel(), minlength=n + 1)[1:], 1
    )
    lung = np.isin(parts, 1 + np.nonzero(share > _SEEN_FRAC)[0]) | thick
    widened = ~_far_from(lung, _CLOSE_MM / pixel_mm)
    closed: Mask = lung | _far_from(~widened, _CLOSE_MM / pixel_mm)
    return closed & near


def _far_from(mask_yx: Mask, radius_px: float) -> Mask:
    """Return what lies farther from a mask than a radius; from an empty one everything does."""
    if not mask_yx.any():
        return np.ones_like(mask_yx)
    far: Mask = ndimage.distance_transform_edt(~mask_yx) > radius_px
    return far
