"""How much of a mark is dense tissue, its rim apart: what is hazy may be inflamed or dependent lung, too.

dense         HU >= -300
dense share   of the voxels that are left after eroding by one voxel (the rim holds partial volume); where nothing is
              left, eroded within the slices only
hazy          a dense share below a half: ADR 0021 says of how many lesions that is so
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

DENSE_HU = -300
HAZY_BELOW = 0.5

_CROSS = ndimage.generate_binary_structure(3, 1)
_CROSS_IN_SLICE = _CROSS & (np.arange(3) == 1)[:, None, None]


def dense_frac(hu_zyx: NDArray[np.int16], mask_zyx: NDArray[np.bool_]) -> float | None:
    """Return the dense share of a mark, None where it is all rim (too thin to tell).

    Parameters
    ----------
    hu_zyx, mask_zyx : (slices, rows, columns), the same part of a scan.
    """
    core = _core(mask_zyx)
    return float((hu_zyx[core] >= DENSE_HU).mean()) if core.any() else None


def _core(mask_zyx: NDArray[np.bool_]) -> NDArray[np.bool_]:
    core: NDArray[np.bool_] = ndimage.binary_erosion(mask_zyx, _CROSS)
    if core.any():
        return core
    in_slice: NDArray[np.bool_] = ndimage.binary_erosion(mask_zyx, _CROSS_IN_SLICE)
    return in_slice
