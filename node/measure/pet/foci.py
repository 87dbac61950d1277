"""FDG-avid foci outside the CT's lesions, in chest and upper abdomen: candidates, for organs are not told apart.

A 6-connected component of SUVbw >= 4.0 of at least 0.5 ml, between the apices of the lungs and 20 mm below them,
whose maximum is in no lesion's search region. One that reaches into a lesion is one uptake with it, and says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.measure.pet.search_region import SearchRegion
from node.measure.quantity import Side
from node.volume.pet import PetVolume

LOWEST_G_ML = 4.0
LEAST_ML = 0.5
BELOW_LUNGS_MM = 20.0
_CROSS = ndimage.generate_binary_structure(3, 1)


@dataclass(frozen=True, slots=True)
class Focus:
    """One candidate: centroid, maximum and size of its component; `cut` where it goes on beyond where was searched.

    `continuous_with` are the names of the CT's lesions that it reaches into; `side` is of the lung that its maximum
    is in or beside (`near_lung.py`).
    """

    centre_lps_mm: tuple[float, float, float]
    suv_max: float
    maximum_zyx: tuple[int, int, int]
    volume_ml: float
    cut: bool = False
    continuous_with: tuple[str, ...] = ()
    side: Side | None = None


def foci(
    pet: PetVolume, lungs_zyx: NDArray[np.bool_], regions: Sequence[tuple[str, SearchRegion]]
) -> tuple[Focus, ...]:
    """List candidates, the hottest first.

    Parameters
    ----------
    pet : in SUVbw
    lungs_zyx : bool, on the PET grid, not empty
    regions : of the CT's lesions, with their names
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
        if any(_holds(region, focus.maximum_zyx) for _, region in regions):
            continue
        piece = labels == label
        reached = tuple(name for name, region in regions if _reaches(piece, part, region))
        found.append(replace(focus, cut=_goes_on(pet, piece, part), continuous_with=reached))
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


def _reaches(piece_zyx: NDArray[np.bool_], part: slice, region: SearchRegion) -> bool:
    """Whether a component shares voxels with a CT lesion."""
    z, y, x = region.box
    begin, end = max(z.start, part.start), min(z.stop, part.stop)
    if begin >= end:
        return False
    own = region.lesion_zyx[begin - z.start : end - z.start]
    return bool((piece_zyx[begin - part.start : end - part.start, y, x] & own).any())


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
