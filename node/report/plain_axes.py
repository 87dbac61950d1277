"""Axes and diameters of a mask the plain way, for the self-check: every edge midpoint, every pair, every chord.

The definitions are those of standards 2.2 and docs/measurements.md; none of the code of `measure` is used, what it got
wrong would agree. The hull's longest chord is the short axis where at most two pixels or a tenth of it lie outside the
part; else it is the longest stretch inside, of the lines through the centres of the border's pixels.
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
_OUTSIDE_PIXELS = 2.0
_OUTSIDE_FRAC = 0.1


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
    spacing_yx_mm = np.array(spacing_zyx_mm[1:])
    found: list[tuple[float, float, int, Ends]] = []
    for z in np.nonzero(mask_zyx.any(axis=(1, 2)))[0].tolist():
        for part, hull in _parts(mask_zyx[z]):
            apart_mm = cdist(hull * spacing_yx_mm, hull * spacing_yx_mm)
            for a, b in np.argwhere(np.triu(apart_mm) >= apart_mm.max() - _TIE_MM).tolist():
                (ya, xa), (yb, xb) = (hull[[a, b]] + first_zyx[1:]).tolist()
                short_mm = _short(part, hull, hull[b] - hull[a], spacing_yx_mm)
                found.append((float(apart_mm[a, b]), short_mm, z + first_zyx[0], ((ya, xa), (yb, xb))))
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
            for _, hull in _parts(plane):
                longest_mm = max(longest_mm, float(cdist(hull * spacing_mm, hull * spacing_mm).max()))
    return longest_mm


def _parts(mask_yx: Mask) -> list[tuple[Mask, Points]]:
    """Return every part and the hull of its edge midpoints; pixels that touch at a corner are one part."""
    labels, n = ndimage.label(mask_yx, np.ones((3, 3), bool))
    steps = np.array([(-0.5, 0.0), (0.5, 0.0), (0.0, -0.5), (0.0, 0.5)])
    found = []
    for label in range(1, n + 1):
        midpoints = (np.argwhere(labels == label)[:, None, :] + steps).reshape(-1, 2)
        found.append((labels == label, midpoints[ConvexHull(midpoints).vertices]))
    return found


def _short(part: Mask, hull: Points, long_yx: Points, spacing_yx_mm: Points) -> float:
    """Return the longest chord across a long axis, in mm; of a curved part one that lies in it."""
    along: Points = long_yx * spacing_yx_mm / float(np.linalg.norm(long_yx * spacing_yx_mm))
    across: Points = np.array([-along[1], along[0]])
    on, off = hull * spacing_yx_mm @ along, hull * spacing_yx_mm @ across
    solid = np.pad(ndimage.binary_fill_holes(part), 1)
    pixels: Points = np.argwhere(solid) - np.ones(2)

    def inside(at: float) -> Points:
        return _stretches(pixels, at * along / spacing_yx_mm, across / spacing_yx_mm, _chord(on, off, at))

    lengths_mm = {at: float(np.ptp(_chord(on, off, at))) for at in on.tolist()}
    longest_mm = max(lengths_mm.values())
    allowed_mm = max(_OUTSIDE_PIXELS * float(spacing_yx_mm.max()), _OUTSIDE_FRAC * longest_mm) + _TIE_MM
    widest = [at for at, mm in lengths_mm.items() if mm >= longest_mm - _TIE_MM]
    if any(longest_mm - float(inside(at).sum()) <= allowed_mm for at in widest):
        return longest_mm
    border = np.argwhere(solid & ~ndimage.binary_erosion(solid)) - 1.0
    return max(float(inside(at).max(initial=0.0)) for at in (border * spacing_yx_mm @ along).tolist())


def _chord(on: Points, off: Points, at: float) -> Points:
    """Return where the polygon across the axis, at one place on it, begins and ends."""
    crossings = [off[np.abs(on - at) < _TIE_MM]]
    for i in range(len(on)):
        j = (i + 1) % len(on)
        if (on[i] - at) * (on[j] - at) < 0:
            share = (at - on[i]) / (on[j] - on[i])
            crossings.append(np.array([off[i] + share * (off[j] - off[i])]))
    every = np.concatenate(crossings)
    return np.array([every.min(), every.max()])


def _stretches(pixels: Points, base_yx: Points, step_yx: Points, chord: Points) -> Points:
    """Return how long a line stays in pixels, stretch by stretch, between the ends of a chord; edges are of a pixel.

    Parameters
    ----------
    pixels : (n, 2), centres; base_yx, step_yx : the line as indices, per mm; chord : (2,), mm along it
    """
    begin, end = np.full(len(pixels), chord[0]), np.full(len(pixels), chord[1])
    for axis in range(2):
        off = pixels[:, axis] - base_yx[axis]
        if abs(step_yx[axis]) <= _TIE_MM:  # the line runs along the pixels
            end[np.abs(off) > 0.5 + _TIE_MM] = -np.inf
            continue
        edges = np.sort(np.stack([off - 0.5, off + 0.5]) / step_yx[axis], axis=0)
        begin, end = np.maximum(begin, edges[0]), np.minimum(end, edges[1])
    lengths: list[float] = []
    reach = -np.inf
    for one, other in sorted(zip(begin.tolist(), end.tolist(), strict=True)):
        if other < one - _TIE_MM:
            continue
        if one > reach + _TIE_MM:
            lengths.append(0.0)
            reach = one
        lengths[-1] += max(other - reach, 0.0)
        reach = max(reach, other)
    return np.array(lengths)
