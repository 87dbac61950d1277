"""Padding whose value is also one of tissue: only what hangs together with the border of the image is padding.

Pixel Padding Value (0028,0120) is meant to be a value that no tissue has (PS3.3 C.7.5.1.1.2). Where HU are stored as
they are, some writers name 0, which is water: taken for padding wherever it occurs, it would riddle fluid and fat with
air. Real padding lies around the picture, so that a value above that of air counts from the border inwards only.
"""

import numpy as np
from numpy.typing import NDArray

from node.volume.stored import FrameTask

HIGHEST_AIR_HU = -1000  # what is not above holds no tissue: it is padding wherever it lies


def reads_as_tissue(task: FrameTask) -> bool:
    """Say whether any value of the padding is above that of air in HU."""
    if task.padding is None:
        return False
    return max(value * task.slope + task.intercept for value in task.padding) > HIGHEST_AIR_HU


def from_the_border(padding: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep what hangs together with the border of its frame, over edges of pixels.

    Parameters
    ----------
    padding : (n, rows, columns) bool
    """
    from scipy import ndimage  # noqa: PLC0415 - 0.2 s to load, needed by few

    kept = np.zeros_like(padding)
    for frame, of_border in zip(padding, kept, strict=True):
        parts = ndimage.label(frame)[0]
        touching = np.unique(np.concatenate((parts[0], parts[-1], parts[:, 0], parts[:, -1])))
        of_border[...] = frame & np.isin(parts, touching)
    return kept
