"""Organs under the diaphragm are no lung: domes of liver and spleen and the stomach that a slice-wise network filled.

Lung encloses the top of a dome on its slice as it encloses a mass, and one slice does not tell them apart. From slice
to slice they differ: a dome is widest where it ends towards the feet, and goes on there as tissue that the network
itself does not call lung. Wide, low and open below is a dome; a mass ends in lung, or is as high as it is wide. What is
lost by it: a flat mass on the diaphragm.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.segment.box import box_of
from node.segment.part_sizes import part_sizes

TISSUE_HU = -250
HIGHEST_MM = 40.0
_FLAT = 2.0  # the widest slice's diameter, as that of a disc, in heights
_THICK_MM = 4.0  # thinner tissue inside lung is vessels and walls
_SMALLEST_ML = 1.0
_OPEN_FRAC = 0.8  # of a part's columns that end in tissue outside the mask, towards the feet
_WIDEST_FRAC = 0.6  # of the largest area, in one of the two lowest slices

Mask = NDArray[np.bool_]


def without_domes(mask: Mask, hu: NDArray[np.int16], spacing_mm: tuple[float, float, float]) -> Mask:
    """Return the mask without what looks like an organ under the diaphragm, its wall included.

    Parameters
    ----------
    mask, hu : (head, back, left) bool and int16, HU.
    spacing_mm : mm, the same order.
    """
    box = box_of(mask, 1)
    if box is None:
        return mask
    answer = mask.copy()
    answer[box] &= ~_domes(mask[box], hu[box], spacing_mm)
    return answer


def _domes(mask: Mask, hu: NDArray[np.int16], spacing_mm: tuple[float, float, float]) -> Mask:
    tissue = mask & (hu >= TISSUE_HU)
    labels, n = ndimage.label(_thick(tissue, _THICK_MM / spacing_mm[1]))
    size_ml = part_sizes(labels, n) * float(np.prod(spacing_mm)) / 1000.0
    found = np.zeros_like(mask)
    for index, place in enumerate(ndimage.find_objects(labels), start=1):
        height_mm = (place[0].stop - place[0].start) * spacing_mm[0]
        if size_ml[index] < _SMALLEST_ML or height_mm > HIGHEST_MM:
            continue
        part = labels[place] == index
        if _is_flat(part, height_mm, spacing_mm[1]) and _open_frac(part, place, mask, hu) >= _OPEN_FRAC:
            found[place] |= part
    return _near(found, tissue, _THICK_MM / spacing_mm[1])


def _is_flat(part: Mask, height_mm: float, pixel_mm: float) -> bool:
    """Tell whether a part is widest at its lower end, and wide for its height."""
    area = part.sum((1, 2))
    diameter_mm = 2.0 * float(np.sqrt(area.max() / np.pi)) * pixel_mm
    return bool(area[:2].max() >= _WIDEST_FRAC * area.max() and diameter_mm >= _FLAT * height_mm)


def _open_frac(part: Mask, place: tuple[slice, ...], mask: Mask, hu: NDArray[np.int16]) -> float:
    """Return how many of a part's columns end, towards the feet, in tissue outside the mask or at the scan's end."""
    row, column = np.nonzero(part.any(0))
    below = place[0].start + np.argmax(part, 0)[row, column] - 1
    at = (np.maximum(below, 0), row + place[1].start, column + place[2].start)
    is_open = (below < 0) | (~mask[at] & (hu[at] >= TISSUE_HU))
    return float(is_open.mean())


def _thick(mask: Mask, radius_px: float) -> Mask:
    """Open each slice by a disc."""
    answer = np.zeros_like(mask)
    for z in np.nonzero(mask.any((1, 2)))[0]:
        core = ndimage.distance_transform_edt(mask[z]) > radius_px
        if core.any():
            answer[z] = ndimage.distance_transform_edt(~core) <= radius_px
    return answer


def _near(found: Mask, tissue: Mask, radius_px: float) -> Mask:
    """Return the tissue within a radius of what was found, slice by slice: the rim that the opening left."""
    answer = np.zeros_like(found)
    for z in np.nonzero(found.any((1, 2)))[0]:
        answer[z] = tissue[z] & (ndimage.distance_transform_edt(~found[z]) <= radius_px)
    return answer
