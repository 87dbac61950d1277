"""Where the uptake of a CT lesion is looked for on the PET grid: within 10 mm of its voxels, and inside it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

REACH_MM = 10.0

Box = tuple[slice, slice, slice]
_CROSS = ndimage.generate_binary_structure(3, 1)


@dataclass(frozen=True, slots=True)
class SearchRegion:
    """A box of the PET grid and which of its voxels belong; `covered_frac` of the CT lesion lies in the PET.

    `lesion_zyx` are the voxels of the box that hold the CT lesion itself.
    """

    box: Box
    mask_zyx: NDArray[np.bool_]
    covered_frac: float
    lesion_zyx: NDArray[np.bool_]


def search_region(
    lesion_zyx: NDArray[np.bool_],
    lps_from_lesion: NDArray[np.float64],
    shape_zyx: tuple[int, ...],
    lps_from_zyx: NDArray[np.float64],
) -> SearchRegion | None:
    """Lay the region of one lesion on the PET grid.

    Parameters
    ----------
    lesion_zyx : bool, the CT lesion's box
    lps_from_lesion : (4, 4) float64, mm, of that box
    shape_zyx, lps_from_zyx : of the PET

    Returns
    -------
    None where the PET has no voxel there.
    """
    pet_from_lesion = np.linalg.solve(lps_from_zyx, lps_from_lesion)
    rim = np.argwhere(lesion_zyx & ~ndimage.binary_erosion(lesion_zyx, _CROSS))
    on_pet = rim @ pet_from_lesion[:3, :3].T + pet_from_lesion[:3, 3]
    reach = REACH_MM * np.linalg.norm(np.linalg.inv(lps_from_zyx[:3, :3]), axis=1)
    low = np.maximum(np.floor(on_pet.min(axis=0) - reach), 0).astype(int)
    high = np.minimum(np.ceil(on_pet.max(axis=0) + reach) + 1, shape_zyx).astype(int)
    if (high <= low).any():
        return None
    z, y, x = (slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))
    size = tuple((high - low).tolist())
    voxels = np.indices(size).reshape(3, -1).T + low
    tree = cKDTree(rim @ lps_from_lesion[:3, :3].T)
    shift = lps_from_zyx[:3, 3] - lps_from_lesion[:3, 3]
    near = tree.query(voxels @ lps_from_zyx[:3, :3].T + shift, distance_upper_bound=REACH_MM)[0] <= REACH_MM
    holds = _inside(voxels, lesion_zyx, np.linalg.inv(pet_from_lesion)).reshape(size)
    mask = near.reshape(size) | holds
    within = ((on_pet > -0.5) & (on_pet < np.array(shape_zyx) - 0.5)).all(axis=1)
    holds[tuple((np.rint(on_pet[within]).astype(int) - low).T)] = True  # of a small one no voxel's centre may lie in it
    return SearchRegion((z, y, x), mask, float(within.mean()), holds) if mask.any() else None


def _inside(
    voxels: NDArray[np.int_], lesion_zyx: NDArray[np.bool_], lesion_from_pet: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Tell which PET voxels have their centre in the lesion: of a large one the middle is far from every rim voxel."""
    at = np.rint(voxels @ lesion_from_pet[:3, :3].T + lesion_from_pet[:3, 3]).astype(int)
    held = ((at >= 0) & (at < lesion_zyx.shape)).all(axis=1)
    inside = np.zeros(len(voxels), bool)
    inside[held] = lesion_zyx[tuple(at[held].T)]
    return inside
