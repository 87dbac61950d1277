"""The short axis of one part of a slice: its longest chord perpendicular to the long axis.

A chord of the hull, as that of `outline.py` defines the outline. Of a curved part the hull's chord hangs outside the
lesion; where more of it does than the steps and dents of a border explain, the longest chord that lies in the lesion
counts, of those through the centres of its border's pixels. Holes are of the lesion: an axis crosses a cavity.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.measure.lesions.outline import Outline

_TIE_MM = 1e-6
_OUTSIDE_PIXELS = 2.0  # the steps of a border at both ends
_OUTSIDE_FRAC = 0.1
_NUDGES_YX = 1e-6 * np.array([(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)])  # what lies on an edge is of both

_Floats = NDArray[np.float64]


class HullChords:
    """The chords of a hull that are perpendicular to the line from its vertex a to its vertex b.

    A chord's length is linear between vertices, so that a vertex is always at an end of a longest one. Of equally long
    chords the one nearest to the middle of the long axis is drawn, of a part with dents one that lies in it.
    """

    def __init__(self, hull_mm: _Floats, a: int, b: int) -> None:
        self.along = (hull_mm[b] - hull_mm[a]) / np.linalg.norm(hull_mm[b] - hull_mm[a])
        self.across = self.along[::-1] * (-1.0, 1.0)
        self._on_axis, self._off_axis = hull_mm @ self.along, hull_mm @ self.across  # (n,) each
        n = len(hull_mm)
        self._there = np.arange(a, a + (b - a) % n + 1) % n  # the two ways round from a to b
        self._back = np.arange(a, a - (a - b) % n - 1, -1) % n
        self._middle_mm = float(self._on_axis[a] + self._on_axis[b]) / 2.0
        chords = self._at(self._on_axis)
        longest = self._longest(chords, self._on_axis)
        self._at_mm, self._chords = self._on_axis[longest], chords[longest]

    @property
    def longest_mm(self) -> float:
        """Length of the longest."""
        return _length_mm(self._chords[0])

    def in_part(self, pixels: "Pixels") -> tuple[float, _Floats]:
        """Return the length and the ends of the longest chord, in mm; of a curved part that of its pixels."""
        _, inside_mm = pixels.runs(self._at_mm, self._chords, self)
        allowed_mm = max(_OUTSIDE_PIXELS * pixels.longer_side_mm, _OUTSIDE_FRAC * self.longest_mm)
        lying = np.flatnonzero(self.longest_mm - inside_mm <= allowed_mm + _TIE_MM)
        if lying.size:
            return self._drawn(self._at_mm[lying[0]], self._chords[lying[0]])
        lines_mm = pixels.border_mm() @ self.along
        chords, _ = pixels.runs(lines_mm, self._at(lines_mm), self)
        i = self._longest(chords, lines_mm)[0]
        return self._drawn(lines_mm[i], chords[i])

    def _drawn(self, at_mm: np.float64, chord: _Floats) -> tuple[float, _Floats]:
        return _length_mm(chord), at_mm * self.along + chord[:, None] * self.across

    def _at(self, at_mm: _Floats) -> _Floats:
        """Return where chords begin and end, (n, 2), mm along `across`."""
        ways = (self._there, self._back)
        return np.stack([np.interp(at_mm, self._on_axis[way], self._off_axis[way]) for way in ways], axis=1)

    def _longest(self, chords: _Floats, at_mm: _Floats) -> NDArray[np.intp]:
        """Return which are the longest, the nearest to the middle first."""
        length_mm = np.abs(chords[:, 1] - chords[:, 0])
        longest = np.flatnonzero(length_mm >= length_mm.max() - _TIE_MM)
        return longest[np.argsort(np.abs(at_mm[longest] - self._middle_mm), kind="stable")]


class Pixels:
    """The pixels of a part with its holes, in mm from the hull's least row and column."""

    def __init__(self, outline: Outline, spacing_yx_mm: tuple[float, float]) -> None:
        self._padded = np.pad(ndimage.binary_fill_holes(outline.inside), 1)
        self._first_yx = outline.hull.min(axis=0) - outline.origin_yx + 1.0
        self._spacing_yx_mm = np.array(spacing_yx_mm)
        self.longer_side_mm = max(spacing_yx_mm)

    def border_mm(self) -> _Floats:
        """Return the centres of the pixels at the border, (n, 2)."""
        border = np.argwhere(self._padded & ~ndimage.binary_erosion(self._padded))
        found: _Floats = (border - self._first_yx) * self._spacing_yx_mm
        return found

    def runs(self, at_mm: _Floats, chords: _Floats, of: HullChords) -> tuple[_Floats, _Floats]:
        """Return each line's longest stretch in the part, (n, 2), and how much of the line lies in it, (n,).

        Parameters
        ----------
        at_mm : (n,) where the lines cross the long axis
        chords : (n, 2) where they begin and end, mm
        of : which way they run
        """
        base_yx = at_mm[:, None] * of.along / self._spacing_yx_mm + self._first_yx
        step_yx = of.across / self._spacing_yx_mm
        low, high = chords.min(axis=1, keepdims=True), chords.max(axis=1, keepdims=True)
        crossings = [low, high]
        for axis in np.flatnonzero(np.abs(step_yx) > _TIE_MM):
            edges = np.arange(self._padded.shape[axis] + 1) - 0.5
            crossings.append(np.clip((edges - base_yx[:, axis, None]) / step_yx[axis], low, high))
        cuts = np.sort(np.concatenate(crossings, axis=1), axis=1)
        begin, end = cuts[:, :-1], cuts[:, 1:]
        points_yx = base_yx[:, None] + ((begin + end) / 2.0)[:, :, None] * step_yx  # (lines, pieces, 2)
        inside = (end - begin < _TIE_MM) | self._hold(points_yx)
        start = np.maximum.accumulate(np.where(inside, low, end), axis=1)
        length = np.where(inside, end - start, 0.0)
        best = length.argmax(axis=1)[:, None]
        ends = [np.take_along_axis(one, best, axis=1)[:, 0] for one in (start, end)]
        return np.stack(ends, axis=1), np.where(inside, end - begin, 0.0).sum(axis=1)

    def _hold(self, points_yx: _Floats) -> NDArray[np.bool_]:
        held = np.zeros(points_yx.shape[:-1], bool)
        for nudge_yx in _NUDGES_YX:
            y, x = np.moveaxis(np.rint(points_yx + nudge_yx).astype(int), -1, 0)
            held |= self._padded[np.clip(y, 0, self._padded.shape[0] - 1), np.clip(x, 0, self._padded.shape[1] - 1)]
        return held


def _length_mm(chord: _Floats) -> float:
    return float(abs(chord[1] - chord[0]))
