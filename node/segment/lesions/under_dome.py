"""Whether a candidate lies in the liver, the spleen or the stomach: under a dome of the diaphragm, outside the lungs.

Such a candidate is outside the closed lungs, with lung not far above nearly all of it and none below it. A lesion on
the diaphragm is inside the closed lungs; a mass of the mediastinum or of the wall has lung below it, or none above.
"""

import numpy as np
from numpy.typing import NDArray

from node.segment.lesions.candidates import Candidate

OUTSIDE_FRAC = 0.7  # of its voxels, at least; lesions of training scans: at most 0.2
COLUMNS_FRAC = 0.9  # of the columns that it fills; those lesions: at most 0.64, and that one 0.1 outside
ABOVE_MM = 40.0  # within which lung is looked for; further up is another part of the chest

Mask = NDArray[np.bool_]


def is_under_dome(one: Candidate, inside: Mask, step_mm: float) -> bool:
    """Tell whether a candidate lies under a dome.

    Parameters
    ----------
    inside : (head, back, left) bool, the closed lungs.
    step_mm : distance of the slices.
    """
    z, y, x = one.box
    if 1.0 - float(inside[one.box][one.mask].mean()) < OUTSIDE_FRAC:
        return False
    column = one.mask.any(axis=0)
    lowest = z.start + np.argmax(one.mask, axis=0)[column]
    highest = z.stop - 1 - np.argmax(one.mask[::-1], axis=0)[column]
    lungs = inside[:, y, x][:, column]  # (slices, columns)
    at = np.arange(len(inside))[:, None]
    below = (lungs & (at < lowest)).any(axis=0)
    above = (lungs & (at > highest) & (at <= highest + round(ABOVE_MM / step_mm))).any(axis=0)
    return float((above & ~below).mean()) >= COLUMNS_FRAC
