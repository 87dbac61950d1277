"""Distances between two outlines: HD, HD95 and ASSD.

    surface    the voxels of a mask that have a neighbour by face outside it (in the plane for single slices)
    HD         the larger of both directed surface distances
    HD95       the larger of both 95th percentiles
    ASSD       the mean over the surface voxels of both, together

In mm where the spacing is known, else in pixels. None where either mask is empty.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]

_MARGIN = 1


def distances(found: Mask, reference: Mask, spacing: tuple[float, ...]) -> dict[str, float | None]:
    """Return hd, hd95 and assd of two masks of 2 or 3 dimensions, in the unit of `spacing`."""
    if not found.any() or not reference.any():
        return {"hd": None, "hd95": None, "assd": None}
    box = _box(found | reference)
    one, other = _surface(found[box]), _surface(reference[box])
    there = ndimage.distance_transform_edt(~other, sampling=spacing)[one]
    back = ndimage.distance_transform_edt(~one, sampling=spacing)[other]
    return {
        "hd": float(max(there.max(), back.max())),
        "hd95": float(max(np.percentile(there, 95), np.percentile(back, 95))),
        "assd": float((there.sum() + back.sum()) / (len(there) + len(back))),
    }


def _surface(mask: Mask) -> Mask:
    surface: Mask = mask & ~ndimage.binary_erosion(np.pad(mask, _MARGIN))[(slice(_MARGIN, -_MARGIN),) * mask.ndim]
    return surface


def _box(mask: Mask) -> tuple[slice, ...]:
    """Return the box round what is set: distances outside it are not needed."""
    found = ndimage.find_objects(mask.astype(np.uint8))[0]
    return tuple(slice(s.start, s.stop) for s in found)
