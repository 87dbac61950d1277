"""A nodule without the vessels that run into it, and with its hollow: what a reader draws. Measured in ADR 0027."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_THIN_FRAC = 0.4  # of the greatest half thickness; what is thinner hangs on the nodule and is none of it
_BESIDE_VOXELS = 2.0  # as far as it counts all the same: edges and short spikes
_CLOSED_VOXELS = 2  # a hollow's wall may be open as wide as that
_CORNERS = ndimage.generate_binary_structure(3, 3)

Mask = NDArray[np.bool_]


def nodule_body(piece: Mask, mark: Mask) -> Mask:
    """Return a piece with its hollows filled slice by slice, without what is much thinner than the rest of it.

    Parameters
    ----------
    piece : (n, n, n), voxels as long as wide; it does not reach the border.
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
    beside: Mask = ndimage.distance_transform_edt(~body) <= _BESIDE_VOXELS
    return filled & beside


def _closed(one: Mask) -> Mask:
    """Close a slice, with room beside it that the closing does not take for its end."""
    room = _CLOSED_VOXELS + 1
    closed: Mask = ndimage.binary_closing(np.pad(one, room), iterations=_CLOSED_VOXELS)[room:-room, room:-room]
    return closed
