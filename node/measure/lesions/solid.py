"""The solid component of a lesion, and whether the lesion is solid, part-solid or ground glass.

dense             HU >= -300
dense share       of the voxels that are left after eroding the lesion by one voxel (its rim holds partial volume);
                  where nothing is left, eroded within the slices only
solid component   the largest connected part of the dense voxels after an opening with a ball of 3 mm, which takes
                  vessels out that are thinner
part-solid        dense share 10 to 90 %, and a solid component with a longest line of at least 3 mm
solid             dense share above 90 %
ground glass      the rest
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.measure.lesions.mpr import longest_line

DENSE_HU = -300
DENSE_SHARE = (0.10, 0.90)
SMALLEST_COMPONENT_MM = 3.0
_VESSEL_RADIUS_MM = 1.5

_CROSS = ndimage.generate_binary_structure(3, 1)
_CROSS_IN_SLICE = _CROSS & (np.arange(3) == 1)[:, None, None]


class NoduleType(StrEnum):
    """By attenuation."""

    SOLID = "solid"
    PART_SOLID = "part-solid"
    GROUND_GLASS = "ground glass"


@dataclass(frozen=True, slots=True)
class Composition:
    """`component_zyx` is the solid component of a part-solid lesion, None of others."""

    type: NoduleType
    dense_frac: float
    component_zyx: NDArray[np.bool_] | None


def composition(
    hu_zyx: NDArray[np.int16], mask_zyx: NDArray[np.bool_], lps_from_zyx: NDArray[np.float64]
) -> Composition | None:
    """Tell what a lesion is made of, or None where it is all rim (too thin to tell).

    Parameters
    ----------
    hu_zyx, mask_zyx : (slices, rows, columns) int16 and bool, a part of the volume
    lps_from_zyx : (4, 4) float64, mm
    """
    core = _core(mask_zyx)
    if not core.any():
        return None
    dense = hu_zyx >= DENSE_HU
    dense_frac = float(dense[core].mean())
    low, high = DENSE_SHARE
    if dense_frac > high:
        return Composition(NoduleType.SOLID, dense_frac, None)
    component = solid_component(dense & mask_zyx, lps_from_zyx) if dense_frac >= low else None
    if component is None or longest_line(component, lps_from_zyx).length_mm < SMALLEST_COMPONENT_MM:
        return Composition(NoduleType.GROUND_GLASS, dense_frac, None)
    return Composition(NoduleType.PART_SOLID, dense_frac, component)


def solid_component(dense_zyx: NDArray[np.bool_], lps_from_zyx: NDArray[np.float64]) -> NDArray[np.bool_] | None:
    """Return the largest connected part of a lesion's dense voxels without thin vessels, or None."""
    spacing_mm = np.linalg.norm(lps_from_zyx[:3, :3], axis=0)
    padded = np.pad(dense_zyx, 1)
    inner = ndimage.distance_transform_edt(padded, sampling=spacing_mm) >= _VESSEL_RADIUS_MM
    if not inner.any():
        return None
    opened = ndimage.distance_transform_edt(~inner, sampling=spacing_mm) < _VESSEL_RADIUS_MM
    labels, _ = ndimage.label(opened[1:-1, 1:-1, 1:-1], np.ones((3, 3, 3), bool))
    largest: NDArray[np.bool_] = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    return largest


def _core(mask_zyx: NDArray[np.bool_]) -> NDArray[np.bool_]:
    core: NDArray[np.bool_] = ndimage.binary_erosion(mask_zyx, _CROSS)
    if core.any():
        return core
    in_slice: NDArray[np.bool_] = ndimage.binary_erosion(mask_zyx, _CROSS_IN_SLICE)
    return in_slice
