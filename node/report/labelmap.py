"""The LABELMAP segmentation object (Supplement 243): one pixel value per segment, for archives that ask for it.

Nothing overlaps in it, so that solid components are left out. Every slice that holds a segment is one frame.
"""

from collections.abc import Sequence

import numpy as np
from highdicom.seg import SegmentationTypeValues
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from node.report.kinds import SEG, Kind
from node.report.seg import finish_seg, shell
from node.report.seg_frames import frame_groups
from node.report.segments import Tracked
from node.report.source import Source
from node.report.stamp import Job


def build_labelmap(
    labels_zyx: NDArray[np.uint8], tracked: Sequence[Tracked], source: Source, job: Job, kind: Kind = SEG
) -> Dataset:
    """Build the object, but for what `stamp` writes.

    Parameters
    ----------
    labels_zyx : (slices, rows, columns) uint8, the source's grid.
    tracked : the segments, numbered from 1 in the order of the object; each has voxels.
    """
    number_of = np.zeros(256, np.uint8)
    for t in tracked:
        number_of[t.segment.label] = t.number
    slices = [z for z, plane in enumerate(labels_zyx) if number_of[plane].any()]
    target = shell(labels_zyx.shape, tracked, source, job, SegmentationTypeValues.LABELMAP, kind)
    target["PixelPaddingValue"].VR = "US"  # highdicom leaves it to the writer, which cannot tell
    target.NumberOfFrames = len(slices)
    groups = frame_groups(slices, source)
    target[groups.tag] = groups
    pixels = b"".join(number_of[labels_zyx[z]].tobytes() for z in slices)
    target.add(DataElement("PixelData", "OB", pixels + b"\0" * (len(pixels) % 2)))
    finish_seg(target, source)
    return target
