"""What lies round a lesion: which lung it is in or touches, and whether it merges with dense tissue.

side     of the lung with voxels within 5 mm of the lesion's, between centres: borders of two models need not meet; of
         two lungs the one with at least twice the other's, or none: what lies in the midline is of neither
merged   more than half of a shell of 3 mm, a pixel outside the lesion, is dense (HU >= -300): mediastinum, wall or
         consolidation, and the lesion's border is then not its own
cut      the lesion reaches the first or last slice, the picture's edge or the padding round the field of view
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.measure.quantity import Side
from node.segment.contract import Segmentation, SegmentKind
from node.volume.volume import Volume

REACH_MM = 5.0
CLEAR_RATIO = 2.0  # of the voxels of one lung over the other's
SHELL_MM = 3.0
MERGED_SHARE = 0.5
_DENSE_HU = -300
_PADDING_HU = -1024

Box = tuple[slice, slice, slice]

_SIDES = {SegmentKind.RIGHT_LUNG: Side.RIGHT, SegmentKind.LEFT_LUNG: Side.LEFT}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`side` is None where no lung is near or both are alike; `dense_frac` of the shell; `is_cut` by the view."""

    side: Side | None
    dense_frac: float
    is_cut: bool

    @property
    def is_merged(self) -> bool:
        """Whether the lesion merges with dense tissue."""
        return self.dense_frac > MERGED_SHARE


def surroundings(volume: Volume, segmentation: Segmentation, label: int, box: Box) -> Surroundings:
    """Look round one lesion.

    Parameters
    ----------
    volume, segmentation : the scan and its labels
    label : of the lesion
    box : of the lesion's voxels
    """
    wide = _widened(box, volume)
    labels = segmentation.labels_zyx[wide]
    away_mm = ndimage.distance_transform_edt(labels != label, sampling=volume.spacing_zyx_mm)
    near = (away_mm > 0) & (away_mm <= REACH_MM)
    lesion_labels = [s.label for s in segmentation.segments if s.kind is SegmentKind.LESION]
    rim_mm = max(volume.spacing_zyx_mm[1:])  # how far the partial volume at the lesion's border reaches
    beyond = near & (away_mm > rim_mm) & (away_mm <= rim_mm + SHELL_MM) & ~np.isin(labels, lesion_labels)
    dense = volume.hu_zyx[wide][beyond] >= _DENSE_HU
    return Surroundings(
        _side(labels[near], segmentation),
        float(dense.mean()) if dense.size else 0.0,
        _is_cut(volume, box),
    )


def _side(near_labels: NDArray[np.uint8], segmentation: Segmentation) -> Side | None:
    counts = {
        _SIDES[segment.kind]: int(np.count_nonzero(near_labels == segment.label))
        for segment in segmentation.segments
        if segment.kind in _SIDES
    }
    return clear_side(counts.get(Side.RIGHT, 0), counts.get(Side.LEFT, 0))


def clear_side(right: int, left: int) -> Side | None:
    """Return the lung with at least twice the other's voxels near a place."""
    if max(right, left) < max(CLEAR_RATIO * min(right, left), 1):
        return None
    return Side.RIGHT if right > left else Side.LEFT


def _widened(box: Box, volume: Volume) -> Box:
    z, y, x = (
        slice(max(s.start - int(REACH_MM / mm) - 1, 0), s.stop + int(REACH_MM / mm) + 1)
        for s, mm in zip(box, volume.spacing_zyx_mm, strict=True)
    )
    return z, y, x


def _is_cut(volume: Volume, box: Box) -> bool:
    if any(s.start == 0 or s.stop == n for s, n in zip(box, volume.hu_zyx.shape, strict=True)):
        return True
    if volume.padded_frac == 0.0:
        return False
    _, y, x = box
    columns = volume.hu_zyx[:, y.start - 1 : y.stop + 1, x.start - 1 : x.stop + 1]
    return bool((columns.max(axis=0) <= _PADDING_HU).any())
