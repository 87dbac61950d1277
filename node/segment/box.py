"""The smallest box round a mask, so that the work is done where something is."""

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, slice, slice]


def box_of(mask: NDArray[np.bool_], margin: int = 0) -> Box | None:
    """Return the box round the set voxels of a 3D mask, or None where there are none.

    Parameters
    ----------
    mask : 3D bool.
    margin : voxels added on every side, as far as the array reaches.
    """
    found = [np.nonzero(mask.any(axis=axes))[0] for axes in ((1, 2), (0, 2), (0, 1))]
    if not len(found[0]):
        return None
    z, y, x = (slice(max(int(f[0]) - margin, 0), int(f[-1]) + 1 + margin) for f in found)
    return (z, y, x)
