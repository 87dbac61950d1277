"""Lung whose chest wall lies outside the field of view, so that it reaches the edge as outside air does.

A piece of one slice that comes near the border of the field of view is lung where most of it is as dense as lung, the
rest of its outline is the body's own tissue, and the chest wall lies in front of it and behind it: air is darker, a
mattress lies behind the body and blankets lie in front.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_LUNG_HU = (-950, -500)
_LUNG_FRAC = 0.5
_WALLED_FRAC = 0.8
_BETWEEN_FRAC = 0.15  # lung had 0.22 and more: a round border hides the wall of many columns; air and foam had 0.0
_SMALLEST_VOXELS = 80  # about 3 cm²
_NEAR_VOXELS = 3  # what is left of a chest wall that thin is taken off with the bridges to the table
_NOTHING_HU = -1024  # what a volume holds where the scan has no value

_IN_SLICE = np.zeros((3, 3, 3), bool)
_IN_SLICE[1] = ndimage.generate_binary_structure(2, 1)


def cut_lung(hu: NDArray[np.int16], skin: NDArray[np.bool_], outside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return those pieces of outside air that are lung.

    Parameters
    ----------
    hu, skin, outside : (head, back, left) int16, bool and bool, the working grid: the scan, the body's tissue and
        the air that reaches the edge.
    """
    seen = hu.max(axis=0) > _NOTHING_HU
    rim = seen & ~ndimage.binary_erosion(seen, iterations=_NEAR_VOXELS)
    labels, n = ndimage.label(outside & seen, _IN_SLICE)
    sizes = np.bincount(labels.ravel(), minlength=n + 1)
    dense = (hu > _LUNG_HU[0]) & (hu < _LUNG_HU[1])
    dense_sizes = np.bincount(labels[dense], minlength=n + 1)
    touching = np.zeros(n + 1, bool)
    touching[labels[:, rim]] = True
    possible = touching & (sizes >= _SMALLEST_VOXELS) & (dense_sizes > _LUNG_FRAC * sizes)
    possible[0] = False
    boxes = ndimage.find_objects(labels)
    lung = np.zeros(n + 1, bool)
    for index in np.nonzero(possible)[0].tolist():
        z = int(boxes[index - 1][0].start)
        piece = labels[z] == index
        walled = _walled_frac(piece, skin[z], seen & ~rim) > _WALLED_FRAC
        lung[index] = walled and _between_frac(piece, skin[z]) > _BETWEEN_FRAC
    return np.asarray(lung[labels], bool)


def _walled_frac(piece: NDArray[np.bool_], skin: NDArray[np.bool_], inner: NDArray[np.bool_]) -> float:
    """Return how much of a piece's outline, the field's border aside, is the body's tissue."""
    whole = ndimage.binary_fill_holes(piece)
    outline = ndimage.binary_dilation(whole) & ~whole & inner
    return float(skin[outline].mean()) if outline.any() else 0.0


def _between_frac(piece: NDArray[np.bool_], skin: NDArray[np.bool_]) -> float:
    """Return how much of a piece has tissue both in front of it and behind it."""
    in_front = np.logical_or.accumulate(skin, axis=0)
    behind = np.logical_or.accumulate(skin[::-1], axis=0)[::-1]
    return float((in_front & behind)[piece].mean())
