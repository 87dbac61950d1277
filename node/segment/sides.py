"""Right and left lung, told apart by where they lie in the patient, and parted where they touch.

Where both lungs are one piece, it is darkened and eroded until it falls into two large parts that lie beside one
another, and each voxel goes to the part that it belongs to by a watershed on brightness: the wall between the lungs is
the brightest sheet between them. Smaller pieces go to the side on which they lie.
"""

import numpy as np
import SimpleITK
from numpy.typing import NDArray
from scipy import ndimage

from node.segment.body_air import BORDER_HU

RIGHT, LEFT = 1, 2

_LARGE_FRAC = 0.2  # a piece with less than this of all lung is one lung or part of one
_ACROSS_FRAC = 0.1  # a piece with less than this on one side of the middle is one lung
_CORE_FRAC = 0.04  # a lung's core holds at least this of the piece ...
_CORE_RATIO = 0.2  # ... and of the other lung's core
_APART_MM = 50.0  # centres of two lungs are farther apart than this from side to side
_WALLS_HU = (BORDER_HU, -500, -620, -740)  # a thin wall between the lungs is seen as a brighter sheet only
_DEPTHS_MM = (1.0, 2.5, 4.5, 6.5, 9.0, 12.0, 15.0)


def sides(
    hu: NDArray[np.int16],
    lungs: NDArray[np.bool_],
    midline: float,
    spacing_mm: tuple[float, float, float],
) -> NDArray[np.uint8]:
    """Label the lungs' voxels: 1 right, 2 left.

    Parameters
    ----------
    hu, lungs : (head, back, left) int16 and bool, the working grid.
    midline : where the middle of the body lies along the last axis, in voxels.
    spacing_mm : of that grid.
    """
    labels, _ = ndimage.label(lungs)
    sided = np.zeros(lungs.shape, np.uint8)
    total = int(lungs.sum())
    for index, box in enumerate(ndimage.find_objects(labels), start=1):
        piece = labels[box] == index
        size = int(piece.sum())
        may_be_two = size > _LARGE_FRAC * total and _lies_across(piece, midline - box[2].start)
        parts = _parts(hu[box], piece, spacing_mm) if may_be_two else None
        if parts is not None:
            sided[box][piece] = parts[piece]
        else:
            centre = float(np.nonzero(piece)[2].mean()) + box[2].start
            sided[box][piece] = RIGHT if centre < midline else LEFT
    return sided


def _parts(
    hu: NDArray[np.int16], piece: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> NDArray[np.uint8] | None:
    """Part a piece into its right and left lung; None where it is one lung."""
    depths_mm = [_depth_mm(piece & (hu < wall_hu), spacing_mm) for wall_hu in _WALLS_HU]
    for deeper_mm in _DEPTHS_MM:
        for depth_mm in depths_mm:
            markers = _two_beside(depth_mm > deeper_mm, int(piece.sum()), spacing_mm)
            if markers is not None:
                return _watershed(hu, piece, markers)
    return None


def _lies_across(piece: NDArray[np.bool_], midline: float) -> bool:
    columns = piece.sum(axis=(0, 1))
    on_the_right = float(columns[: max(int(midline), 0)].sum()) / float(columns.sum())
    return _ACROSS_FRAC < on_the_right < 1.0 - _ACROSS_FRAC


def _depth_mm(piece: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> NDArray[np.float32]:
    padded = SimpleITK.GetImageFromArray(np.pad(piece, 1).astype(np.uint8))
    padded.SetSpacing(spacing_mm[::-1])
    depth = SimpleITK.SignedMaurerDistanceMap(
        padded, insideIsPositive=True, squaredDistance=False, useImageSpacing=True
    )
    inner: NDArray[np.float32] = SimpleITK.GetArrayViewFromImage(depth)[1:-1, 1:-1, 1:-1].copy()
    return inner


def _two_beside(
    core: NDArray[np.bool_], whole: int, spacing_mm: tuple[float, float, float]
) -> NDArray[np.uint8] | None:
    labels, n = ndimage.label(core)
    if n < 2:
        return None
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    first, second = (int(i) for i in np.argsort(-sizes, kind="stable")[:2])
    if sizes[second] < max(_CORE_FRAC * whole, _CORE_RATIO * sizes[first]):
        return None
    x_first, x_second = (float(np.nonzero(labels == i)[2].mean()) for i in (first, second))
    if abs(x_first - x_second) * spacing_mm[2] < _APART_MM:
        return None
    right, left = (first, second) if x_first < x_second else (second, first)
    markers = np.zeros(core.shape, np.uint8)
    markers[labels == right] = RIGHT
    markers[labels == left] = LEFT
    return markers


def _watershed(hu: NDArray[np.int16], piece: NDArray[np.bool_], markers: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height = np.where(piece, hu, 3071).astype(np.int16)
    flooded = SimpleITK.MorphologicalWatershedFromMarkers(
        SimpleITK.GetImageFromArray(height),
        SimpleITK.GetImageFromArray(markers),
        markWatershedLine=False,
        fullyConnected=False,
    )
    labels: NDArray[np.uint8] = SimpleITK.GetArrayFromImage(flooded).astype(np.uint8)
    return labels
