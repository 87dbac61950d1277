"""Axes and diameters of a mask the plain way, for the self-check: every edge midpoint, every pair, every chord.

The definitions are those of standards 2.2; none of the code of `measure` is used, what it got wrong would agree.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import cdist

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]
Ends = tuple[tuple[float, float], tuple[float, float]]

_TIE_MM = 1e-6


@dataclass(frozen=True, slots=True)
class PlainAxes:
    """`slices` and `long_ends_yx` (row, column) are those of all equally long axes."""

    long_mm: float
    short_mm: float
    slices: frozenset[int]
    long_ends_yx: tuple[Ends, ...]


def plain_axes(
    mask_zyx: Mask, spacing_zyx_mm: tuple[float, float, float], first_zyx: tuple[int, int, int] = (0, 0, 0)
) -> PlainAxes:
    """Measure the long and short axis of a mask that has voxels; `first_zyx` is where its first voxel lies."""
    _, down_mm, across_mm = spacing_zyx_mm
    found: list[tuple[float, float, int, Ends]] = []
    for z in np.nonzero(mask_zyx.any(axis=(1, 2)))[0].tolist():
        for hull in _hulls(mask_zyx[z]):
            hull_mm = hull * (down_mm, across_mm)
            apart_mm = cdist(hull_mm, hull_mm)
            for a, b in np.argwhere(np.triu(apart_mm) >= apart_mm.max() - _TIE_MM).tolist():
                (ya, xa), (yb, xb) = (hull[[a, b]] + first_zyx[1:]).tolist()
                widest_mm = _widest(hull_mm, a, b)
                found.append((float(apart_mm[a, b]), widest_mm, z + first_zyx[0], ((ya, xa), (yb, xb))))
    longest_mm = max(long_mm for long_mm, _, _, _ in found)
    ties = [tie for tie in found if tie[0] >= longest_mm - _TIE_MM]
    return PlainAxes(longest_mm, max(t[1] for t in ties), frozenset(t[2] for t in ties), tuple(t[3] for t in ties))


def longest_in_planes_mm(mask_zyx: Mask, spacing_zyx_mm: tuple[float, float, float]) -> float:
    """Return the longest line in any plane of the grid."""
    boxed = mask_zyx[ndimage.find_objects(mask_zyx.astype(np.uint8))[0]]
    longest_mm = 0.0
    for axis in range(3):
        spacing_mm = [mm for i, mm in enumerate(spacing_zyx_mm) if i != axis]
        for plane in np.moveaxis(boxed, axis, 0):
            for hull in _hulls(plane):
                longest_mm = max(longest_mm, float(cdist(hull * spacing_mm, hull * spacing_mm).max()))
    return longest_mm


def _hulls(mask_yx: Mask) -> list[Points]:
    """Return the hull of the edge midpoints of every part; pixels that touch at a corner are one part."""
    parts, n = ndimage.label(mask_yx, np.ones((3, 3), bool))
    steps = np.array([(-0.5, 0.0), (0.5, 0.0), (0.0, -0.5), (0.0, 0.5)])
    hulls = []
    for part in range(1, n + 1):
        midpoints = (np.argwhere(parts == part)[:, None, :] + steps).reshape(-1, 2)
        hulls.append(midpoints[ConvexHull(midpoints).vertices])
    return hulls


def _widest(hull_mm: Points, a: int, b: int) -> float:
    """Return the longest chord perpendicular to the line from a to b: one of those through a vertex."""
    along = (hull_mm[b] - hull_mm[a]) / np.linalg.norm(hull_mm[b] - hull_mm[a])
    on = hull_mm @ along
    off = hull_mm @ np.array([-along[1], along[0]])
    return max(_chord(on, off, at) for at in on.tolist())


def _chord(on: Points, off: Points, at: float) -> float:
    """Return how long the polygon is across the axis at one place on it."""
    crossings = [off[np.abs(on - at) < _TIE_MM]]
    for i in range(len(on)):
        j = (i + 1) % len(on)
        if (on[i] - at) * (on[j] - at) < 0:
            share = (at - on[i]) / (on[j] - on[i])
            crossings.append(np.array([off[i] + share * (off[j] - off[i])]))
    return float(np.ptp(np.concatenate(crossings)))
