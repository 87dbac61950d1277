"""Which lung a place in the PET is beside or in: that whose voxels on the CT lie within 10 mm, if it is clearly one."""

import numpy as np
from numpy.typing import NDArray

from node.measure.chest import Chest
from node.measure.lesions.surroundings import clear_side
from node.measure.quantity import Side

NEAR_MM = 10.0


def near_lung(chest: Chest, point_lps_mm: NDArray[np.float64]) -> Side | None:
    """Return the side, None where no lung is near or both are alike.

    Parameters
    ----------
    chest : the CT on the working grid
    point_lps_mm : (3,)
    """
    at = np.linalg.solve(chest.lps_from_grid, [*point_lps_mm, 1.0])[:3]
    reach = NEAR_MM / np.array(chest.spacing_mm)
    low = np.clip(np.floor(at - reach), 0, chest.right.shape).astype(int)
    high = np.clip(np.ceil(at + reach) + 1, low, chest.right.shape).astype(int)
    z, y, x = (slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))
    away = np.indices((high - low).tolist()).transpose(1, 2, 3, 0) + low - at
    near = np.linalg.norm(away * chest.spacing_mm, axis=3) <= NEAR_MM
    return clear_side(*(int(np.count_nonzero(lung[z, y, x] & near)) for lung in (chest.right, chest.left)))
