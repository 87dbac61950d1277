"""How many voxels each connected part has, counted slice by slice: a whole series at once is copied in eight bytes."""

import numpy as np
from numpy.typing import NDArray


def part_sizes(labels: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    """Return the voxels of the background and of parts 1 to n.

    Parameters
    ----------
    labels : (slices, rows, columns), as `scipy.ndimage.label` gives them with their number n.
    """
    sizes = np.zeros(n + 1, np.int64)
    for plane in labels:
        sizes += np.bincount(plane.ravel(), minlength=n + 1)
    return sizes
