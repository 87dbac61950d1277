"""The working grid's view of a segmented chest: lungs and windpipe, and where they lie in the patient.

Made once for a segmented scan; quality, carina and PET all ask it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.segment.body_air import body_and_air
from node.segment.contract import Segmentation, SegmentKind
from node.segment.windpipe import windpipe
from node.segment.working_grid import lps_from_working, working_grid
from node.volume.volume import Volume


@dataclass(frozen=True, slots=True)
class Chest:
    """Arrays are (head, back, left) on the working grid.

    Attributes
    ----------
    hu : int16, Hounsfield units, averaged.
    right, left : bool, the lungs.
    windpipe : bool, or None where none was found above the middle of the lungs.
    spacing_mm : of the grid.
    lps_from_grid : maps indices to patient space, mm.
    """

    hu: NDArray[np.int16]
    right: NDArray[np.bool_]
    left: NDArray[np.bool_]
    windpipe: NDArray[np.bool_] | None
    spacing_mm: tuple[float, float, float]
    lps_from_grid: NDArray[np.float64]

    @property
    def lungs(self) -> NDArray[np.bool_]:
        """Both."""
        return self.right | self.left

    @property
    def windpipe_end(self) -> tuple[float, float, float] | None:
        """Index of the windpipe's lower end."""
        if self.windpipe is None:
            return None
        z = int(np.nonzero(self.windpipe.any(axis=(1, 2)))[0][0])
        y, x = np.argwhere(self.windpipe[z]).mean(axis=0).tolist()
        return (float(z), float(y), float(x))

    def lps_mm(self, index: tuple[float, float, float]) -> tuple[float, float, float]:
        """Return where an index lies."""
        x, y, z = (self.lps_from_grid[:3, :3] @ index + self.lps_from_grid[:3, 3]).tolist()
        return (x, y, z)


def chest_of(volume: Volume, segmentation: Segmentation) -> Chest:
    """Reduce a segmented scan to the working grid and find the windpipe there."""
    nz, ny, nx = volume.hu_zyx.shape
    grid = working_grid((nz, ny, nx), volume.lps_from_zyx)
    hu = grid.reduce(grid.turned(volume.hu_zyx))
    labels = grid.sampled(grid.turned(segmentation.labels_zyx))
    of = {segment.kind: labels == segment.label for segment in segmentation.segments}
    nothing = np.zeros(grid.shape, bool)
    right, left = (of.get(kind, nothing) for kind in (SegmentKind.RIGHT_LUNG, SegmentKind.LEFT_LUNG))
    return Chest(
        hu=hu,
        right=right,
        left=left,
        windpipe=_windpipe(hu, right | left, grid.spacing_mm),
        spacing_mm=grid.spacing_mm,
        lps_from_grid=lps_from_working(grid, volume.lps_from_zyx),
    )


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
