"""The pixels of a mask that touch what lies outside it: an outline that is drawn into a picture."""

import numpy as np
from numpy.typing import NDArray


def outline_pixels(mask_yx: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the outline of a mask (rows, columns), one pixel wide and inside it."""
    padded = np.pad(mask_yx, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask_yx & ~inner
