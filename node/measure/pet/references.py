"""Uptake of liver and blood, to compare a lesion with, only where the CT shows for certain where they are.

liver         mean over a sphere of 30 mm in the right liver: under the right lung, where the CT (averaged over 10 mm)
              has 30 to 80 HU (to 120 with contrast) all over it; the place farthest from anything else
mediastinum   mean over a sphere of 10 mm in the descending aorta, halfway down the part that was found

Uneven uptake (standard deviation over 0.3 of the mean) is no reference: a lesion or another organ lies there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.measure.aorta import descending_column
from node.measure.chest import Chest
from node.measure.pet.sphere import sphere_uptake
from node.segment.box import Box, box_of
from node.volume.pet import PetVolume

LIVER_MM = 30.0
AORTA_MM = 10.0
LIVER_HU = (30, 80)
LIVER_WITH_CONTRAST_HU = 120
MOST_UNEVEN = 0.3
_AVERAGED_MM = 10.0
_FROM_WALL_MM = 15.0  # from the sides of the lung's columns: heart and chest wall stay out
_BELOW_BASE_MM = 90.0
_ROUND_MM = 40.0  # beyond this far from anything else one place in the liver is as good as another

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Reference:
    """Mean uptake of a sphere, of the kind of the volume's SUV."""

    suv_mean: float
    sd: float
    centre_lps_mm: Point
    diameter_mm: float


def liver_reference(pet: PetVolume, chest: Chest, *, has_contrast: bool) -> Reference | None:
    """Measure the right liver; None where it was not found for certain."""
    centre = _liver_centre(chest, LIVER_WITH_CONTRAST_HU if has_contrast else LIVER_HU[1])
    return None if centre is None else _even_sphere(pet, chest.lps_mm(centre), LIVER_MM)


def mediastinal_reference(pet: PetVolume, chest: Chest) -> Reference | None:
    """Measure blood in the descending aorta; None where it was not found for certain."""
    end = chest.windpipe_end
    discs = () if end is None else descending_column(chest.hu, chest.left, end, chest.spacing_mm)
    if not discs:
        return None
    return _even_sphere(pet, chest.lps_mm(discs[len(discs) // 2].index), AORTA_MM)


def _even_sphere(pet: PetVolume, centre_lps_mm: Point, diameter_mm: float) -> Reference | None:
    found = sphere_uptake(pet.suv_zyx, pet.lps_from_zyx, centre_lps_mm, diameter_mm / 2.0)
    if found is None or found.inside_frac < 1.0 or found.mean <= 0 or found.sd > MOST_UNEVEN * found.mean:
        return None
    return Reference(found.mean, found.sd, centre_lps_mm, diameter_mm)


def _liver_centre(chest: Chest, highest_hu: int) -> tuple[int, int, int] | None:
    """Return the voxel under the right lung that is farthest from whatever is no liver by its attenuation."""
    under = _under_lung(chest)
    found = box_of(under)
    if found is None:
        return None
    box = _widened(found, chest)
    smooth = ndimage.uniform_filter(
        chest.hu[box].astype(np.float32), [max(1, round(_AVERAGED_MM / mm)) for mm in chest.spacing_mm]
    )
    even = np.pad((smooth >= LIVER_HU[0]) & (smooth <= highest_hu), 1)  # an end of the scan is one of the liver, too
    from_other_mm = ndimage.distance_transform_edt(even, sampling=chest.spacing_mm)[1:-1, 1:-1, 1:-1]
    deep_mm = np.where(under[box], from_other_mm, 0.0)
    z, y, x = (int(i) for i in np.unravel_index(deep_mm.argmax(), deep_mm.shape))
    if deep_mm[z, y, x] < LIVER_MM / 2.0:
        return None
    return (z + box[0].start, y + box[1].start, x + box[2].start)


def _widened(box: Box, chest: Chest) -> Box:
    """Return a box with so much round it that distances in it are those in the chest, where they decide anything."""
    z, y, x = (
        slice(max(s.start - round(_ROUND_MM / mm), 0), s.stop + round(_ROUND_MM / mm))
        for s, mm in zip(box, chest.spacing_mm, strict=True)
    )
    return z, y, x


def _under_lung(chest: Chest) -> NDArray[np.bool_]:
    """Return what lies at most 90 mm below the right lung's base, away from the sides of its columns."""
    right = chest.right
    dz, dy, dx = chest.spacing_mm
    columns = ndimage.distance_transform_edt(right.any(axis=0), sampling=(dy, dx)) >= _FROM_WALL_MM
    base = right.argmax(axis=0)
    z = np.arange(len(right))[:, None, None]
    under: NDArray[np.bool_] = columns & (z < base) & (z >= base - _BELOW_BASE_MM / dz)
    return under
