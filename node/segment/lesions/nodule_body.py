"""A nodule without the vessels that run into it, and with its hollow: what a reader draws.

Measured in ADR 0027, the hollow that the densities show in ADR 0029.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_THIN_FRAC = 0.4  # of the greatest half thickness; what is thinner hangs on the nodule and is none of it
_BESIDE_VOXELS = 2.0  # as far as it counts all the same: edges and short spikes
_CLOSED_VOXELS = 2  # a hollow's wall may be open as wide as that
_AIR_HU = -600  # of a hollow, or darker
_RIM_FRAC = 0.6  # of what shuts a hollow in, that must be nodule
_CORNERS = ndimage.generate_binary_structure(3, 3)

Mask = NDArray[np.bool_]


def nodule_body(piece: Mask, mark: Mask, hu: NDArray[np.int16]) -> Mask:
    """Return a piece with its hollows filled slice by slice, without what is much thinner than the rest of it.

    Parameters
    ----------
    piece : (n, n, n), voxels as long as wide; it does not reach the border.
    hu : the same grid.
    mark : the same grid; of several parts the one that shares most with it stays.

    Returns
    -------
    The body, empty where none of it lies under the mark.
    """
    filled = np.stack([ndimage.binary_fill_holes(_closed(one)) if one.any() else one for one in piece]) | piece
    thick = ndimage.distance_transform_edt(filled)
    radius = _THIN_FRAC * float(thick.max())
    opened = ndimage.distance_transform_edt(thick <= radius) <= radius
    parts, n = ndimage.label(opened, _CORNERS)
    shared = np.bincount(parts[mark & filled], minlength=n + 1)[1:]
    if not shared.any():
        return np.zeros_like(piece)
    body = parts == 1 + int(shared.argmax())
    whole: Mask = filled & (ndimage.distance_transform_edt(~body) <= _BESIDE_VOXELS)
    return np.stack([_with_air(*one) if one[0].any() else one[0] for one in zip(whole, hu, strict=True)])


def _closed(one: Mask) -> Mask:
    """Close a slice, with room beside it that the closing does not take for its end."""
    room = _CLOSED_VOXELS + 1
    closed: Mask = ndimage.binary_closing(np.pad(one, room), iterations=_CLOSED_VOXELS)[room:-room, room:-room]
    return closed


def _with_air(body: Mask, hu: NDArray[np.int16]) -> Mask:
    """Add to a slice the air that denser tissue shuts in, its rim with it, where most of the rim is nodule.

    The wall is taken from the picture: a network leaves it open where it is thin.
    """
    answer = body.copy()
    pockets, _ = ndimage.label(hu <= _AIR_HU)
    for number, place in enumerate(ndimage.find_objects(pockets), start=1):
        if any(one.start == 0 or one.stop == n for one, n in zip(place, hu.shape, strict=True)):
            continue  # the lung round it
        near = tuple(slice(one.start - 1, one.stop + 1) for one in place)
        air = pockets[near] == number
        with_rim = ndimage.binary_dilation(air, np.ones((3, 3), bool))
        if body[near][with_rim & ~air].mean() >= _RIM_FRAC:
            answer[near] |= with_rim
    return answer
