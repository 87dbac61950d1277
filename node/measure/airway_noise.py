"""ACQ-LOWDOSE: the noise of the scan, as the standard deviation of the air in the windpipe.

Measured on the scan's own grid, at least a working voxel (about 2 mm) inside the lumen.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.errors import Affects, Code, Reason, refuse
from node.segment.working_grid import WorkingGrid

_LIMIT_HU = 60.0
_FEWEST_VOXELS = 200  # fewer say nothing of a standard deviation's second figure


def airway_noise(
    full_hu: NDArray[np.int16], windpipe: NDArray[np.bool_] | None, grid: WorkingGrid
) -> tuple[Reason, ...]:
    """Return ACQ-LOWDOSE where the noise is above 60 HU; nothing without a windpipe.

    Parameters
    ----------
    full_hu : the scan turned to the working axes, int16.
    windpipe : on the working grid, bool.
    grid : how the two lie.
    """
    noise_hu = airway_sd_hu(full_hu, windpipe, grid)
    if noise_hu is None or noise_hu <= _LIMIT_HU:
        return ()
    text = f"noise in the windpipe's air is {noise_hu:.0f} HU (limit {_LIMIT_HU:.0f} HU): low dose"
    return (refuse(Code.ACQ_LOWDOSE, text, Affects.DENSITY),)


def airway_sd_hu(full_hu: NDArray[np.int16], windpipe: NDArray[np.bool_] | None, grid: WorkingGrid) -> float | None:
    """Measure the standard deviation in the lumen, or None where there is too little of it."""
    if windpipe is None:
        return None
    lumen = ndimage.binary_erosion(windpipe, ndimage.generate_binary_structure(2, 2)[None])
    values = []
    for z in np.nonzero(lumen.any(axis=(1, 2)))[0].tolist():
        plane = lumen[z].repeat(grid.factors[1], axis=0).repeat(grid.factors[2], axis=1)
        slab = full_hu[z * grid.factors[0] : (z + 1) * grid.factors[0]]
        values.append(slab[:, plane[: slab.shape[1], : slab.shape[2]]].ravel())
    air = np.concatenate(values) if values else np.empty(0, np.int16)
    return float(air.std()) if air.size >= _FEWEST_VOXELS else None
