"""Air inside the body: what is darker than the lung's border and enclosed by the body in its slice.

The body is the largest piece of tissue once thin bridges to the table are cut. Outside air is whatever reaches the
image's edge within its slice, so that an open mouth does not let it in. Where the field of view cuts the chest wall
off, lung reaches the edge too; `cut_lung` tells it from outside air.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.segment.cut_lung import cut_lung

BORDER_HU = -300  # -320 to -250 fits the experts' lung outlines best, together with a closing of 4 mm

_IN_SLICE = np.zeros((3, 3, 3), bool)
_IN_SLICE[1] = ndimage.generate_binary_structure(2, 1)


def body_and_air(hu: NDArray[np.int16]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Find the body, filled, and the air in it.

    Parameters
    ----------
    hu : (head, back, left) int16, Hounsfield units, the working grid.

    Returns
    -------
    body, air : bool arrays of the same shape; both empty where there is no tissue.
    """
    tissue = hu > BORDER_HU
    core = ndimage.binary_erosion(tissue, _IN_SLICE)
    labels, n = ndimage.label(core)
    if n == 0:
        return np.zeros_like(tissue), np.zeros_like(tissue)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    largest = labels == int(sizes.argmax())
    skin = ndimage.binary_dilation(largest, _IN_SLICE, iterations=2, mask=tissue)
    body = filled_in_slices(skin)
    body |= cut_lung(hu, skin, ~tissue & ~body)
    return body, body & ~tissue


def filled_in_slices(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill whatever a mask encloses within each slice."""
    padded = np.pad(~mask, ((0, 0), (1, 1), (1, 1)), constant_values=True)
    labels, _ = ndimage.label(padded, _IN_SLICE)
    outside = np.unique(labels[:, 0, 0])
    reaches = np.zeros(int(labels.max()) + 1, bool)
    reaches[outside] = True
    filled: NDArray[np.bool_] = ~reaches[labels[:, 1:-1, 1:-1]]
    return filled
