"""Long and short axis of a lesion as in RECIST 1.1, on the acquired slices.

    long axis    greatest distance between two points of one slice's outline, over all slices
    short axis   longest line across that outline perpendicular to the long axis, on the same slice (`chord.py`)

The outline is that of `outline.py`. The short axis is a chord, not a caliper reading, so that both its ends lie on
the outline and can be drawn; of a curved lesion, where the hull's chord would hang outside, it is one in the lesion.
Of equally long axes the one with the longest short axis counts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from node.errors import OurMistake
from node.measure.lesions.chord import HullChords, Pixels
from node.measure.lesions.outline import Outline, outlines

_TIE_MM = 1e-6  # less is rounding, not anatomy

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axes:
    """Ends are (row, column) indices, whole numbers at pixel centres; SCOORD is (column + 0.5, row + 0.5)."""

    long_mm: float
    short_mm: float
    slice_index: int
    long_ends_yx: tuple[Point, Point]
    short_ends_yx: tuple[Point, Point]


def recist_axes(mask_zyx: NDArray[np.bool_], spacing_zyx_mm: tuple[float, float, float]) -> Axes:
    """Measure both axes of one lesion.

    Parameters
    ----------
    mask_zyx : (slices, rows, columns) bool
    spacing_zyx_mm : between voxel centres, mm

    Raises
    ------
    OurMistake
        LES-EMPTY if nothing is set: no lesion has no diameter, and 0.0 would claim a measurement.
    """
    spacing_yx_mm = spacing_zyx_mm[1:]
    best: Axes | None = None
    for at_most_mm, outline in outlines(mask_zyx, spacing_yx_mm):
        if best is not None and at_most_mm < best.long_mm - _TIE_MM:
            break
        axes = _axes_of(outline, spacing_yx_mm, 0.0 if best is None else best.long_mm)
        if axes is not None and (best is None or _beats(axes, best)):
            best = axes
    if best is None:
        raise OurMistake("LES-EMPTY", "axes were asked for a mask without voxels")
    return best


def _beats(axes: Axes, best: Axes) -> bool:
    if abs(axes.long_mm - best.long_mm) > _TIE_MM:
        return axes.long_mm > best.long_mm
    return axes.short_mm > best.short_mm + _TIE_MM


def _axes_of(outline: Outline, spacing_yx_mm: tuple[float, float], least_mm: float) -> Axes | None:
    """Return the axes of a part, None where its long axis is shorter than `least_mm`."""
    hull_yx = outline.hull
    corner_yx = hull_yx.min(axis=0)  # lengths are taken from here, so that ties fall alike wherever the lesion lies
    hull_mm = (hull_yx - corner_yx) * spacing_yx_mm  # (n, 2)
    distance_mm = cdist(hull_mm, hull_mm)  # (n, n)
    longest_mm = float(distance_mm.max())
    if longest_mm < least_mm - _TIE_MM:
        return None
    pairs = np.argwhere(np.triu(distance_mm) >= longest_mm - _TIE_MM).tolist()
    chords = {(a, b): HullChords(hull_mm, a, b) for a, b in pairs}
    pixels = Pixels(outline, spacing_yx_mm)
    best: Axes | None = None
    for (a, b), chord in sorted(chords.items(), key=lambda item: -item[1].longest_mm):
        if best is not None and chord.longest_mm <= best.short_mm:
            break
        short_mm, ends_mm = chord.in_part(pixels)
        if best is None or short_mm > best.short_mm:
            best = Axes(
                float(distance_mm[a, b]),
                short_mm,
                outline.plane,
                _two(hull_yx[[a, b]]),
                _two(ends_mm / spacing_yx_mm + corner_yx),
            )
    return best


def _two(ends_yx: NDArray[np.float64]) -> tuple[Point, Point]:
    (ya, xa), (yb, xb) = ends_yx.tolist()
    return (ya, xa), (yb, xb)
