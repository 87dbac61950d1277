"""What the PET measures need of the CT, on the CT's working grid: body, lungs, and where they lie in the patient."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.segment.body_air import body_and_air
from node.segment.contract import Segmentation, SegmentKind
from node.segment.working_grid import lps_from_working, working_grid
from node.volume.volume import Volume


@dataclass(frozen=True, slots=True)
class ChestOfCt:
    """Arrays are (head, back, left) on the working grid, `lps_from_grid` maps their indices to patient space, mm."""

    hu: NDArray[np.int16]
    body: NDArray[np.bool_]
    right: NDArray[np.bool_]
    left: NDArray[np.bool_]
    spacing_mm: tuple[float, float, float]
    lps_from_grid: NDArray[np.float64]

    @property
    def lungs(self) -> NDArray[np.bool_]:
        """Both."""
        return self.right | self.left

    def lps_mm(self, index: tuple[float, float, float]) -> tuple[float, float, float]:
        """Return where an index lies."""
        x, y, z = (self.lps_from_grid[:3, :3] @ index + self.lps_from_grid[:3, 3]).tolist()
        return (x, y, z)


def chest_of_ct(volume: Volume, segmentation: Segmentation) -> ChestOfCt:
    """Reduce a segmented CT to the working grid."""
    nz, ny, nx = volume.hu_zyx.shape
    grid = working_grid((nz, ny, nx), volume.lps_from_zyx)
    hu = grid.reduce(grid.turned(volume.hu_zyx))
    labels = grid.sampled(grid.turned(segmentation.labels_zyx))
    of = {segment.kind: labels == segment.label for segment in segmentation.segments}
    nothing = np.zeros(grid.shape, bool)
    body, _ = body_and_air(hu)
    return ChestOfCt(
        hu=hu,
        body=body,
        right=of.get(SegmentKind.RIGHT_LUNG, nothing),
        left=of.get(SegmentKind.LEFT_LUNG, nothing),
        spacing_mm=grid.spacing_mm,
        lps_from_grid=lps_from_working(grid, volume.lps_from_zyx),
    )
