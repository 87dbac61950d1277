"""The carina of a segmented scan: airways are grown down from the windpipe on the working grid, then parted."""

import numpy as np

from node.measure.lesions.carina import Point, carina
from node.segment.airways import airways
from node.segment.body_air import body_and_air
from node.segment.contract import Segmentation, SegmentKind
from node.segment.working_grid import lps_from_working, working_grid
from node.volume.volume import Volume

_LUNGS = (SegmentKind.RIGHT_LUNG, SegmentKind.LEFT_LUNG)


def carina_of_scan(volume: Volume, segmentation: Segmentation) -> Point | None:
    """Find the carina of a scan, LPS mm, or None.

    Parameters
    ----------
    volume : what was segmented
    segmentation : with lungs, which are kept out of the airways
    """
    nz, ny, nx = volume.hu_zyx.shape
    grid = working_grid((nz, ny, nx), volume.lps_from_zyx)
    hu = grid.reduce(grid.turned(volume.hu_zyx))
    labels = grid.sampled(grid.turned(segmentation.labels_zyx))
    lungs = np.isin(labels, [s.label for s in segmentation.segments if s.kind in _LUNGS])
    heights = np.nonzero(lungs.any(axis=(1, 2)))[0]
    if not len(heights):
        return None
    lowest = int(heights[0])  # tubes of bowel lie below the lungs
    _, air = body_and_air(hu[lowest:])
    found = airways(hu[lowest:], air, grid.spacing_mm)
    if found is None:
        return None
    whole = np.zeros(grid.shape, bool)
    whole[lowest:] = found & ~lungs[lowest:]
    return carina(whole, lps_from_working(grid, volume.lps_from_zyx))
