"""The mask of every segment, slice by slice: lungs and lesions from the label map, solid components as they are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.report.seg_frames import Frame
from node.report.segments import Tracked
from node.report.solid_part import SolidPart


@dataclass(frozen=True, slots=True)
class Masks:
    """The label map on the source's grid, the frames of the segmentation, and the solid components by label."""

    labels_zyx: NDArray[np.uint8]
    frames: Sequence[Frame]
    solids: Mapping[int, SolidPart]

    def planes(self, tracked: Tracked) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        """Yield (slice, (rows, columns) bool) where a segment has voxels."""
        for frame in self.frames:
            if frame.segment_number == tracked.number:
                yield frame.slice_index, self.plane(frame)

    def plane(self, frame: Frame) -> NDArray[np.bool_]:
        """Return one frame's mask."""
        labels_yx = self.labels_zyx[frame.slice_index]
        if not frame.is_solid_component:
            mask: NDArray[np.bool_] = labels_yx == frame.label
            return mask
        part = self.solids[frame.label]
        mask = np.zeros(labels_yx.shape, bool)
        mask[part.box[1:]] = part.mask_zyx[frame.slice_index - part.box[0].start]
        return mask
