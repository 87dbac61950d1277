"""The carina of a segmented scan: airways are grown down from the windpipe on the working grid, then parted."""

import numpy as np

from node.measure.chest import Chest
from node.measure.lesions.carina import Point, carina
from node.segment.airways import airways
from node.segment.body_air import body_and_air


def carina_of_scan(chest: Chest) -> Point | None:
    """Find the carina of a scan, LPS mm, or None; its lungs are kept out of the airways."""
    lungs = chest.lungs
    heights = np.nonzero(lungs.any(axis=(1, 2)))[0]
    if not len(heights):
        return None
    lowest = int(heights[0])  # tubes of bowel lie below the lungs
    _, air = body_and_air(chest.hu[lowest:])
    found = airways(chest.hu[lowest:], air, chest.spacing_mm)
    if found is None:
        return None
    whole = np.zeros(lungs.shape, bool)
    whole[lowest:] = found & ~lungs[lowest:]
    return carina(whole, chest.lps_from_grid)
