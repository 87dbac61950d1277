"""The working grid's view of a segmented chest: lungs and windpipe, for the checks that look at small things."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.segment.body_air import body_and_air
from node.segment.contract import Segmentation, SegmentKind
from node.segment.windpipe import windpipe
from node.segment.working_grid import working_grid
from node.volume.volume import Volume


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Arrays are (head, back, left) on the working grid.

    Attributes
    ----------
    hu : int16, Hounsfield units, averaged.
    right, left : bool, the lungs.
    windpipe : bool, or None where none was found above the middle of the lungs.
    spacing_mm : of the grid.
    """

    hu: NDArray[np.int16]
    right: NDArray[np.bool_]
    left: NDArray[np.bool_]
    windpipe: NDArray[np.bool_] | None
    spacing_mm: tuple[float, float, float]

    @property
    def windpipe_end(self) -> tuple[float, float, float] | None:
        """Index of the windpipe's lower end."""
        if self.windpipe is None:
            return None
        z = int(np.nonzero(self.windpipe.any(axis=(1, 2)))[0][0])
        y, x = np.argwhere(self.windpipe[z]).mean(axis=0).tolist()
        return (float(z), float(y), float(x))


def landmarks(volume: Volume, segmentation: Segmentation) -> Landmarks:
    """Reduce a segmented scan to the working grid and find the windpipe there."""
    nz, ny, nx = volume.hu_zyx.shape
    grid = working_grid((nz, ny, nx), volume.lps_from_zyx)
    hu = grid.reduce(grid.turned(volume.hu_zyx))
    labels = grid.sampled(grid.turned(segmentation.labels_zyx))
    of = {segment.kind: labels == segment.label for segment in segmentation.segments}
    nothing = np.zeros(grid.shape, bool)
    right, left = (of.get(kind, nothing) for kind in (SegmentKind.RIGHT_LUNG, SegmentKind.LEFT_LUNG))
    return Landmarks(hu, right, left, _windpipe(hu, right | left, grid.spacing_mm), grid.spacing_mm)


def _windpipe(
    hu: NDArray[np.int16], lungs: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> NDArray[np.bool_] | None:
    """Look from the middle of the lungs upwards: tubes of bowel lie below."""
    heights = np.nonzero(lungs.any(axis=(1, 2)))[0]
    if not len(heights):
        return None
    middle = int(heights[0] + heights[-1]) // 2
    _, air = body_and_air(hu[middle:])
    found = windpipe(hu[middle:], air & ~lungs[middle:], spacing_mm)
    if found is None:
        return None
    whole = np.zeros(hu.shape, bool)
    whole[middle:] = found
    return whole
