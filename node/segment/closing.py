"""Closing of a lung by a ball: vessels, fissures and nodules on the wall become lung."""

import numpy as np
import SimpleITK
from numpy.typing import NDArray


def closed(mask: NDArray[np.bool_], radius_mm: float, spacing_mm: tuple[float, float, float]) -> NDArray[np.bool_]:
    """Close a mask by a ball of `radius_mm`; the array's edge counts as more of the same.

    Parameters
    ----------
    mask : (head, back, left) bool.
    spacing_mm : of its grid.
    """
    margin = [int(np.ceil(radius_mm / mm)) + 1 for mm in spacing_mm]
    found = [np.nonzero(mask.any(axis=axes))[0] for axes in ((1, 2), (0, 2), (0, 1))]
    if not len(found[0]):
        return mask
    box = tuple(slice(int(f[0]), int(f[-1]) + 1) for f in found)
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
