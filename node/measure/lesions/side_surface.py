"""The surface of the lung of one side of the patient, with the lesions that lie in it or touch it."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from node.measure.lesions.lung_surface import LungSurface, lung_surface
from node.measure.lesions.marks import Box, LesionMark
from node.measure.quantity import Side
from node.segment.contract import Segmentation, SegmentKind
from node.volume.volume import Volume

_LUNGS = {Side.RIGHT: SegmentKind.RIGHT_LUNG, Side.LEFT: SegmentKind.LEFT_LUNG}


def side_surface(
    volume: Volume,
    segmentation: Segmentation,
    box_of: Mapping[int, Box],
    marks: Mapping[int, LesionMark],
    side: Side,
) -> LungSurface:
    """Find the surface of one lung.

    Parameters
    ----------
    volume, segmentation : the scan and its labels
    box_of : round the voxels of every label
    marks : of all lesions, by label
    side : which lung
    """
    labels = [s.label for s in segmentation.segments if s.kind is _LUNGS[side] and s.label in box_of]
    labels += [label for label, mark in marks.items() if mark.around.side is side]
    region_zyx, origin_zyx = _region(segmentation.labels_zyx, {label: box_of[label] for label in labels})
    return lung_surface(region_zyx, origin_zyx, volume.lps_from_zyx, side)


def _region(labels_zyx: NDArray[np.uint8], box_of: Mapping[int, Box]) -> tuple[NDArray[np.bool_], tuple[int, int, int]]:
    """Return the voxels of some labels in the box round all of them, a voxel wider, and its origin."""
    edges = np.array([[(s.start, s.stop) for s in box] for box in box_of.values()])  # (labels, axes, 2)
    z0, y0, x0 = np.maximum(edges[:, :, 0].min(axis=0) - 1, 0).tolist()
    z1, y1, x1 = (edges[:, :, 1].max(axis=0) + 1).tolist()
    part_zyx = labels_zyx[z0:z1, y0:y1, x0:x1]
    region_zyx = np.zeros(part_zyx.shape, bool)
    for label, (z, y, x) in box_of.items():
        inner = (
            slice(z.start - z0, z.stop - z0),
            slice(y.start - y0, y.stop - y0),
            slice(x.start - x0, x.stop - x0),
        )
        region_zyx[inner] |= part_zyx[inner] == label
    return region_zyx, (z0, y0, x0)
