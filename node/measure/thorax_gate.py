"""The thorax gate: lungs lie in a chest, so that bowel gas never leaves as "right lung".

A chest shows the windpipe. Where the scan does not reach up to it, the lungs' outer walls must lie along ribs: half
of the outermost points of both sides have bone within 12 mm.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.errors import Code, Reason, refuse

_BONE_HU = 180
_NEAR_MM = 12.0
_RIBBED_FRAC = 0.5


def thorax_gate(
    hu: NDArray[np.int16],
    right: NDArray[np.bool_],
    left: NDArray[np.bool_],
    spacing_mm: tuple[float, float, float],
    *,
    has_windpipe: bool,
) -> tuple[Reason, ...]:
    """Return SEG-IMPLAUS where nothing says that this is a chest.

    Parameters
    ----------
    hu, right, left : (head, back, left) int16, bool and bool, the working grid.
    spacing_mm : of that grid.
    has_windpipe : whether one was found.
    """
    if has_windpipe:
        return ()
    ribbed = ribbed_frac(hu, right, left, spacing_mm)
    if ribbed >= _RIBBED_FRAC:
        return ()
    text = (
        f"this is no chest: no windpipe was found and only {100 * ribbed:.0f} % of the outer walls lie along ribs "
        f"(at least {100 * _RIBBED_FRAC:.0f} % expected)"
    )
    return (refuse(Code.SEG_IMPLAUS, text),)


def ribbed_frac(
    hu: NDArray[np.int16], right: NDArray[np.bool_], left: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> float:
    """Return how much of the lungs' outer walls has bone within 12 mm."""
    bone = hu > _BONE_HU
    if not bone.any():
        return 0.0
    near = ndimage.distance_transform_edt(~bone, sampling=spacing_mm) <= _NEAR_MM
    walls = [near[_outermost(right)], near[_outermost(left[:, :, ::-1], mirrored=left.shape[2])]]
    points = np.concatenate(walls)
    return float(points.mean()) if len(points) else 0.0


def _outermost(
    side: NDArray[np.bool_], mirrored: int | None = None
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return the first voxel of each row, as indices; `mirrored` is the width of an array that was reversed."""
    z, y = np.nonzero(side.any(axis=2))
    x = side[z, y].argmax(axis=1)
    return z, y, x if mirrored is None else mirrored - 1 - x
