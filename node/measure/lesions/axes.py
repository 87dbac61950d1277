"""Long and short axis of a lesion as in RECIST 1.1, on the acquired slices.

    long axis    greatest distance between two points of one slice's outline, over all slices
    short axis   longest line across that outline perpendicular to the long axis, on the same slice

The outline is that of `outline.py`. The short axis is a chord, not a caliper reading, so that both its ends lie on
the outline and can be drawn. Of equally long axes the one with the longest short axis counts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from node.errors import OurMistake
from node.measure.lesions.outline import outlines

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
        axes = _axes_of(outline.hull, outline.plane, spacing_yx_mm)
        if best is None or _beats(axes, best):
            best = axes
    if best is None:
        raise OurMistake("LES-EMPTY", "axes were asked for a mask without voxels")
    return best


def _beats(axes: Axes, best: Axes) -> bool:
    if abs(axes.long_mm - best.long_mm) > _TIE_MM:
        return axes.long_mm > best.long_mm
    return axes.short_mm > best.short_mm + _TIE_MM


def _axes_of(hull_yx: NDArray[np.float64], plane: int, spacing_yx_mm: tuple[float, float]) -> Axes:
    corner_yx = hull_yx.min(axis=0)  # lengths are taken from here, so that ties fall alike wherever the lesion lies
    hull_mm = (hull_yx - corner_yx) * spacing_yx_mm  # (n, 2)
    distance_mm = cdist(hull_mm, hull_mm)  # (n, n)
    longest_mm = float(distance_mm.max())
    found: list[Axes] = []
    for a, b in np.argwhere(np.triu(distance_mm) >= longest_mm - _TIE_MM).tolist():
        short_mm, ends_mm = _chord(hull_mm, a, b)
        found.append(
            Axes(
                float(distance_mm[a, b]),
                short_mm,
                plane,
                _two(hull_yx[[a, b]]),
                _two(ends_mm / spacing_yx_mm + corner_yx),
            )
        )
    return max(found, key=lambda axes: axes.short_mm)


def _chord(hull_mm: NDArray[np.float64], a: int, b: int) -> tuple[float, NDArray[np.float64]]:
    """Return the length of the longest chord perpendicular to the line from vertex a to vertex b, and its ends.

    A chord's length is linear between vertices, so that a vertex is always at an end of a longest one. Of equally
    long chords the one nearest to the middle of the long axis is drawn.
    """
    along = (hull_mm[b] - hull_mm[a]) / np.linalg.norm(hull_mm[b] - hull_mm[a])
    across = along[::-1] * (-1.0, 1.0)
    on_axis, off_axis = hull_mm @ along, hull_mm @ across  # (n,) each
    n = len(hull_mm)
    there = np.arange(a, a + (b - a) % n + 1) % n  # the two ways round from a to b
    back = np.arange(a, a - (a - b) % n - 1, -1) % n
    one_mm = np.interp(on_axis, on_axis[there], off_axis[there])
    other_mm = np.interp(on_axis, on_axis[back], off_axis[back])
    length_mm = np.abs(one_mm - other_mm)
    longest = np.nonzero(length_mm >= length_mm.max() - _TIE_MM)[0]
    middle_mm = (on_axis[a] + on_axis[b]) / 2.0
    i = longest[np.abs(on_axis[longest] - middle_mm).argmin()]
    ends = on_axis[i] * along + np.stack([one_mm[i], other_mm[i]])[:, None] * across
    return float(length_mm[i]), ends


def _two(ends_yx: NDArray[np.float64]) -> tuple[Point, Point]:
    (ya, xa), (yb, xb) = ends_yx.tolist()
    return (ya, xa), (yb, xb)
