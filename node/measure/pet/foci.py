"""FDG-avid foci outside the CT's lesions, in chest and upper abdomen: candidates, for organs are not told apart.

A 6-connected component of SUVbw >= 4.0 of at least 0.5 ml, between the apices of the lungs and 20 mm below them,
whose maximum is in no lesion's search region.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.measure.pet.search_region import SearchRegion
from node.volume.pet import PetVolume

LOWEST_G_ML = 4.0
LEAST_ML = 0.5
BELOW_LUNGS_MM = 20.0
_CROSS = ndimage.generate_binary_structure(3, 1)


@dataclass(frozen=True, slots=True)
class Focus:
    """One candidate: centroid, maximum and size of its component; `cut` where it goes on beyond where was searched."""

    centre_lps_mm: tuple[float, float, float]
    suv_max: float
    maximum_zyx: tuple[int, int, int]
    volume_ml: float
    cut: bool = False


def foci(pet: PetVolume, lungs_zyx: NDArray[np.bool_], regions: Sequence[SearchRegion]) -> tuple[Focus, ...]:
    """List candidates, the hottest first.

    Parameters
    ----------
    pet : in SUVbw
    lungs_zyx : bool, on the PET grid, not empty
    regions : of the CT's lesions
    """
    part = _chest(pet, lungs_zyx)
    suv_zyx = pet.suv_zyx[part]
    labels, n = ndimage.label(suv_zyx >= LOWEST_G_ML, _CROSS)
    if n == 0:
        return ()
    counts = np.bincount(labels.ravel(), minlength=n + 1)
    found = []
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None or counts[label] * pet.voxel_ml < LEAST_ML * (1.0 - 1e-9):
            continue
        origin = np.array([part.start + box[0].start, box[1].start, box[2].start])
        focus = _focus(pet, suv_zyx[box], labels[box] == label, origin)
        focus = replace(focus, cut=_goes_on(pet, labels == label, part))
        if not any(_holds(region, focus.maximum_zyx) for region in regions):
            found.append(focus)
    return tuple(sorted(found, key=lambda focus: -focus.suv_max))


def _chest(pet: PetVolume, lungs_zyx: NDArray[np.bool_]) -> slice:
    heights = np.flatnonzero(lungs_zyx.any(axis=(1, 2)))
    low, high = int(heights[0]), int(heights[-1])
    below = int(BELOW_LUNGS_MM / pet.spacing_zyx_mm[0])
    if pet.lps_from_zyx[2, 0] < 0:  # slices run towards the feet
        return slice(low, high + below + 1)
    return slice(max(low - below, 0), high + 1)


def _goes_on(pet: PetVolume, mask_zyx: NDArray[np.bool_], part: slice) -> bool:
    """Whether uptake touches the component from the slices next to the searched ones."""
    for inner, outer in ((0, part.start - 1), (-1, part.start + len(mask_zyx))):
        if 0 <= outer < len(pet.suv_zyx) and bool((mask_zyx[inner] & (pet.suv_zyx[outer] >= LOWEST_G_ML)).any()):
            return True
    return False


def _focus(
    pet: PetVolume, suv_zyx: NDArray[np.float32], mask_zyx: NDArray[np.bool_], origin: NDArray[np.int_]
) -> Focus:
    at = np.argwhere(mask_zyx)
    values = suv_zyx[mask_zyx]
    z, y, x = (at[int(values.argmax())] + origin).tolist()
    centre = pet.lps_from_zyx[:3, :3] @ (at.mean(axis=0) + origin) + pet.lps_from_zyx[:3, 3]
    lps_x, lps_y, lps_z = centre.tolist()
    return Focus((lps_x, lps_y, lps_z), float(values.max()), (z, y, x), len(at) * pet.voxel_ml)


def _holds(region: SearchRegion, index: tuple[int, int, int]) -> bool:
    if not all(s.start <= i < s.stop for i, s in zip(index, region.box, strict=True)):
        return False
    z, y, x = (i - s.start for i, s in zip(index, region.box, strict=True))
    return bool(region.mask_zyx[z, y, x])
