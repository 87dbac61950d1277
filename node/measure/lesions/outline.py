"""The outline of a mask in a stack of image planes: the hull of the midpoints of the set pixels' edges.

One hull per connected part of a plane (pixels that touch at a corner are connected). Coordinates are pixel indices:
whole numbers at pixel centres, so that one set pixel is one pixel long along its rows and along its columns. On discs
of 6 to 40 pixels lengths come out 0.5 to 0.8 pixel too long; nothing is subtracted (standards reference 2.2).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull

_IN_PLANE = np.zeros((3, 3, 3), bool)
_IN_PLANE[1] = True
_EDGE_MIDPOINTS = np.array([(-0.5, 0.0), (0.5, 0.0), (0.0, -0.5), (0.0, 0.5)])


@dataclass(frozen=True, slots=True)
class Outline:
    """One connected part of one plane; `hull` is (n, 2) float64, (row, column) indices, in order round the part.

    `inside` are its pixels in their box, which begins at `origin_yx`.
    """

    plane: int
    hull: NDArray[np.float64]
    inside: NDArray[np.bool_]
    origin_yx: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Part:
    """Where a connected part lies, and the longest line that its bounding box allows."""

    label: int
    box: tuple[slice, slice, slice]
    at_most_mm: float


def outlines(stack: NDArray[np.bool_], spacing_mm: tuple[float, float]) -> Iterator[tuple[float, Outline]]:
    """Yield every part's outline, those that may hold the longest line first.

    Parameters
    ----------
    stack : (planes, rows, columns) bool
    spacing_mm : (between rows, between columns), mm

    Yields
    ------
    The diagonal of the part's bounding box in mm, which no line in the part exceeds, and its outline.
    """
    labels, _ = ndimage.label(stack, _IN_PLANE)
    parts = [
        Part(label, box, float(np.hypot(*((s.stop - s.start) * mm for s, mm in zip(box[1:], spacing_mm, strict=True)))))
        for label, box in enumerate(ndimage.find_objects(labels), start=1)
    ]
    for part in sorted(parts, key=lambda p: -p.at_most_mm):
        inside = labels[part.box][0] == part.label
        origin = (part.box[1].start, part.box[2].start)
        yield part.at_most_mm, Outline(part.box[0].start, _hull(inside) + origin, inside, origin)


def _hull(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the hull; only each row's first and last pixel can be on it."""
    rows = np.nonzero(inside.any(axis=1))[0]
    first = inside[rows].argmax(axis=1)
    last = inside.shape[1] - 1 - inside[rows, ::-1].argmax(axis=1)
    ends = np.concatenate([np.stack([rows, first], axis=1), np.stack([rows, last], axis=1)])
    midpoints = (ends[:, None, :] + _EDGE_MIDPOINTS).reshape(-1, 2)
    hull: NDArray[np.float64] = midpoints[ConvexHull(midpoints).vertices]
    return hull
