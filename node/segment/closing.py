"""Closing of a lung by a ball: vessels, fissures and nodules on the wall become lung."""

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from node.segment.box import box_of


def closed(mask: NDArray[np.bool_], radius_mm: float, spacing_mm: tuple[float, float, float]) -> NDArray[np.bool_]:
    """Close a mask by a ball of `radius_mm`; the array's edge counts as more of the same.

    Parameters
    ----------
    mask : (head, back, left) bool.
    spacing_mm : of its grid.
    """
    margin = [int(np.ceil(radius_mm / mm)) + 1 for mm in spacing_mm]
    box = box_of(mask)
    if box is None:
        return mask
    padded = np.pad(mask[box], [(m, m) for m in margin])
    near = _signed_distance_mm(padded, spacing_mm) <= radius_mm
    shut = _signed_distance_mm(~near, spacing_mm) > radius_mm
    inner = shut[tuple(slice(m, -m) for m in margin)]
    result = mask.copy()
    result[box] |= inner
    return result


def _signed_distance_mm(mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> NDArray[np.float32]:
    image = SimpleITK.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(spacing_mm[::-1])
    distance = SimpleITK.SignedMaurerDistanceMap(
        image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True
    )
    view: NDArray[np.float32] = SimpleITK.GetArrayViewFromImage(distance)
    return view.copy()
