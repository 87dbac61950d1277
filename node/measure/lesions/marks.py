"""What is known of every lesion before it is measured: where its voxels are, its centre, its surroundings."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from node.errors import OurMistake
from node.measure.lesions.surroundings import Surroundings, surroundings
from node.segment.contract import Segment, Segmentation, SegmentKind
from node.volume.volume import Volume

Box = tuple[slice, slice, slice]
Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class LesionMark:
    """`box` is the smallest round the voxels, in the volume's index."""

    segment: Segment
    box: Box
    n_voxels: int
    centre_lps_mm: Point
    largest_slice: int
    around: Surroundings


def boxes(segmentation: Segmentation) -> dict[int, Box]:
    """Return the box of every label that has voxels, in one pass over the labels."""
    found = ndimage.find_objects(segmentation.labels_zyx)
    return {label: box for label, box in enumerate(found, start=1) if box is not None}


def lesion_marks(volume: Volume, segmentation: Segmentation, box_of: dict[int, Box]) -> tuple[LesionMark, ...]:
    """Describe every lesion of a segmentation.

    Raises
    ------
    OurMistake
        LES-EMPTY where a lesion has no voxels: a segment is only listed where it has some.
    """
    marks = []
    for segment in segmentation.segments:
        if segment.kind is not SegmentKind.LESION:
            continue
        if segment.label not in box_of:
            raise OurMistake("LES-EMPTY", "a lesion without voxels reached the measurement", label=segment.label)
        marks.append(_mark(volume, segmentation, segment, box_of[segment.label]))
    return tuple(marks)


def _mark(volume: Volume, segmentation: Segmentation, segment: Segment, box: Box) -> LesionMark:
    at = np.argwhere(segmentation.labels_zyx[box] == segment.label)
    centre_zyx = at.mean(axis=0) + [s.start for s in box]
    x, y, z = (volume.lps_from_zyx[:3, :3] @ centre_zyx + volume.lps_from_zyx[:3, 3]).tolist()
    around = surroundings(volume, segmentation, segment.label, box)
    largest_slice = int(np.bincount(at[:, 0]).argmax()) + box[0].start
    return LesionMark(segment, box, len(at), (x, y, z), largest_slice, around)
