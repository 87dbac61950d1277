"""CT masks on the PET grid, by the nearest voxel; outside the CT is 0."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.volume.pet import PetVolume


def on_pet_grid(
    labels: NDArray[np.uint8] | NDArray[np.bool_], lps_from_labels: NDArray[np.float64], pet: PetVolume
) -> NDArray[np.uint8]:
    """Look up what a CT array holds at the centre of every PET voxel.

    Parameters
    ----------
    labels : uint8 or bool, any grid
    lps_from_labels : (4, 4) float64, mm
    pet : whose grid is wanted
    """
    matrix = np.linalg.solve(lps_from_labels, pet.lps_from_zyx)
    looked_up: NDArray[np.uint8] = ndimage.affine_transform(
        labels.astype(np.uint8, copy=False), matrix[:3, :3], matrix[:3, 3], pet.suv_zyx.shape, order=0
    )
    return looked_up
