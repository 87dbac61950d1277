"""ACQ-METAL: metal in the region of the lungs, whose streaks change the values around it."""

import numpy as np
from numpy.typing import NDArray

from node.errors import Affects, Code, Reason, refuse
from node.segment.box import box_of

_METAL_HU = 3000
_LEAST_ML = 0.05  # single hot voxels are noise


def metal(hu_zyx: NDArray[np.int16], lungs_zyx: NDArray[np.bool_], voxel_ml: float) -> tuple[Reason, ...]:
    """Return ACQ-METAL where more than 0.05 ml of the box round the lungs lie above 3000 HU.

    Parameters
    ----------
    hu_zyx, lungs_zyx : (slices, rows, columns) int16 and bool.
    voxel_ml : of one voxel.
    """
    box = box_of(lungs_zyx)
    if box is None:
        return ()
    metal_ml = float(np.count_nonzero(hu_zyx[box] > _METAL_HU)) * voxel_ml
    if metal_ml <= _LEAST_ML:
        return ()
    text = f"{metal_ml:.1f} ml above {_METAL_HU} HU in the region of the lungs: metal or undiluted contrast"
    return (refuse(Code.ACQ_METAL, text, Affects.DENSITY),)
