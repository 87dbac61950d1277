"""The carina: where the windpipe parts into the two main bronchi, from a mask of the airways.

Slice by slice from the head, the windpipe is one piece of 50 mm² or more. The carina lies between the last slice of
one piece and the first of two that stay two over 10 mm, one on either side of the windpipe; the point is midway
between the nearest pixels of the two. Anything else is no answer: no windpipe of 15 mm, a mask that ends above the
parting, two pieces of which one soon ends.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.distance import cdist

_WINDPIPE_MM2 = 50.0
_BRONCHUS_MM2 = 20.0
_WINDPIPE_MM = 15.0
_PARTED_MM = 10.0

_IN_SLICE = np.zeros((3, 3, 3), bool)
_IN_SLICE[1] = True

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class _Slice:
    """The pieces of one slice that are large enough, as labels, and how far left (LPS x, mm) their centres lie."""

    index: int
    labels: tuple[int, ...]
    left_mm: tuple[float, ...]


def carina(airways_zyx: NDArray[np.bool_], lps_from_zyx: NDArray[np.float64]) -> Point | None:
    """Find the carina, LPS mm, or None.

    Parameters
    ----------
    airways_zyx : (slices, rows, columns) bool, windpipe and main bronchi
    lps_from_zyx : (4, 4) float64, mm; slices must lie across the body
    """
    pieces, n = ndimage.label(airways_zyx, _IN_SLICE)
    if n == 0:
        return None
    towards_feet = -1 if lps_from_zyx[2, 0] > 0 else 1
    slices = _slices(pieces, n, lps_from_zyx)[::towards_feet]
    step_mm = float(np.linalg.norm(lps_from_zyx[:3, 0]))
    n_pipe, n_parted = (max(1, round(mm / step_mm)) for mm in (_WINDPIPE_MM, _PARTED_MM))
    in_a_row = 0
    for i, here in enumerate(slices):
        if in_a_row >= n_pipe and _stays_parted(slices[i : i + n_parted], n_parted, slices[i - 1].left_mm[0]):
            return _between(pieces, here, slices[i - 1].index, lps_from_zyx)
        in_a_row = in_a_row + 1 if len(here.labels) == 1 else 0
    return None


def _slices(pieces: NDArray[np.int32], n: int, lps_from_zyx: NDArray[np.float64]) -> list[_Slice]:
    """Describe every slice; pieces under the size of a bronchus do not count."""
    _, dy, dx = np.linalg.norm(lps_from_zyx[:3, :3], axis=0).tolist()
    areas_mm2 = np.bincount(pieces.ravel(), minlength=n + 1) * dy * dx
    centres = np.array(ndimage.center_of_mass(pieces > 0, pieces, np.arange(1, n + 1)))
    left_mm = centres @ lps_from_zyx[0, :3] + lps_from_zyx[0, 3]
    found = []
    for z in range(len(pieces)):
        present = [int(i) for i in np.unique(pieces[z]) if i > 0]
        alone = len(present) == 1
        large = [i for i in present if areas_mm2[i] >= (_WINDPIPE_MM2 if alone else _BRONCHUS_MM2)]
        found.append(_Slice(z, tuple(large), tuple(float(left_mm[i - 1]) for i in large)))
    return found


def _stays_parted(slices: list[_Slice], n_parted: int, pipe_left_mm: float) -> bool:
    """Tell whether there are pieces on both sides of the windpipe in all of these slices."""
    return len(slices) == n_parted and all(
        len(s.labels) >= 2 and min(s.left_mm) < pipe_left_mm < max(s.left_mm) for s in slices
    )


def _between(pieces: NDArray[np.int32], parted: _Slice, pipe_slice: int, lps_from_zyx: NDArray[np.float64]) -> Point:
    right, left = (parted.labels[f(parted.left_mm)] for f in (np.argmin, np.argmax))
    a, b = (np.argwhere(pieces[parted.index] == label) for label in (right, left))
    spacing_yx_mm = np.linalg.norm(lps_from_zyx[:3, 1:3], axis=0)
    i, j = divmod(int(cdist(a * spacing_yx_mm, b * spacing_yx_mm).argmin()), len(b))
    y, x = (a[i] + b[j]) / 2.0
    x_mm, y_mm, z_mm = (lps_from_zyx[:3] @ ((parted.index + pipe_slice) / 2.0, y, x, 1.0)).tolist()
    return (x_mm, y_mm, z_mm)
