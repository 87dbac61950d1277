"""The solid component of a lesion, and whether the lesion is solid, part-solid or ground glass.

dense share       of the voxels inside the rim, from -300 HU (`segment.lesions.dense`)
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
from node.segment.lesions.dense import DENSE_HU, dense_frac

DENSE_SHARE = (0.10, 0.90)
SMALLEST_COMPONENT_MM = 3.0
_VESSEL_RADIUS_MM = 1.5


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
    share = dense_frac(hu_zyx, mask_zyx)
    if share is None:
        return None
    low, high = DENSE_SHARE
    if share > high:
        return Composition(NoduleType.SOLID, share, None)
    component = solid_component((hu_zyx >= DENSE_HU) & mask_zyx, lps_from_zyx) if share >= low else None
    if component is None or longest_line(component, lps_from_zyx).length_mm < SMALLEST_COMPONENT_MM:
        return Composition(NoduleType.GROUND_GLASS, share, None)
    return Composition(NoduleType.PART_SOLID, share, component)


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
