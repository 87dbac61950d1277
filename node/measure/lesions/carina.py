"""The carina: where the windpipe parts into the two main bronchi, from a mask of the airways.

The windpipe is followed from the head downwards, slice by slice, as the piece of at least 50 mm² that lies over the
last one. It parts where two pieces lie over it, one on either side of its centre, which can be followed apart from
each other over 10 mm; the carina is midway between their nearest pixels, between the two slices. Side branches that
the mask also holds do not matter. No answer: no windpipe of 15 mm, a mask that ends above the parting, a piece that
soon ends or joins the other again.
"""

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
Plane = NDArray[np.bool_]


def carina(airways_zyx: NDArray[np.bool_], lps_from_zyx: NDArray[np.float64]) -> Point | None:
    """Find the carina, LPS mm, or None.

    Parameters
    ----------
    airways_zyx : (slices, rows, columns) bool, windpipe and main bronchi
    lps_from_zyx : (4, 4) float64, mm; slices must lie across the body
    """
    step_mm, dy, dx = np.linalg.norm(lps_from_zyx[:3, :3], axis=0).tolist()
    n_pipe, n_parted = (max(1, round(mm / step_mm)) for mm in (_WINDPIPE_MM, _PARTED_MM))
    is_head_first = lps_from_zyx[2, 0] < 0
    slices = airways_zyx if is_head_first else airways_zyx[::-1]
    pieces, _ = ndimage.label(slices, _IN_SLICE)
    pipe, length = None, 0
    for i in range(len(pieces)):
        below = _below(pipe, pieces[i], _BRONCHUS_MM2 / (dy * dx))
        if pipe is not None and length >= n_pipe and len(below) > 1:
            right, left = _outermost(below, lps_from_zyx)
            if _on_both_sides(right, left, pipe, lps_from_zyx) and _stay_apart(
                right, left, pieces[i : i + n_parted], n_parted
            ):
                index = i - 0.5
                return _between(right, left, index if is_head_first else len(pieces) - 1 - index, lps_from_zyx)
        large = [piece for piece in below if np.count_nonzero(piece) * dy * dx >= _WINDPIPE_MM2]
        pipe, length = (max(large, key=np.count_nonzero), length + 1) if large else (None, 0)
    return None


def _below(pipe: Plane | None, pieces: NDArray[np.int32], n_least: float) -> list[Plane]:
    """Return the pieces of a slice that lie over the windpipe; all of them where it is still looked for."""
    labels = np.unique(pieces if pipe is None else pieces[pipe])
    found = [pieces == label for label in labels.tolist() if label > 0]
    return [piece for piece in found if np.count_nonzero(piece) >= n_least]


def _outermost(found: list[Plane], lps_from_zyx: NDArray[np.float64]) -> tuple[Plane, Plane]:
    """Return the piece farthest to the patient's right and that farthest to the left."""
    ordered = sorted(found, key=lambda piece: _left_mm(piece, lps_from_zyx))
    return ordered[0], ordered[-1]


def _left_mm(piece: Plane, lps_from_zyx: NDArray[np.float64]) -> float:
    """Return how far to the left the centre of a piece lies, apart from what is the same for its slice."""
    y, x = np.argwhere(piece).mean(axis=0).tolist()
    return float(lps_from_zyx[0, 1] * y + lps_from_zyx[0, 2] * x)


def _on_both_sides(right: Plane, left: Plane, pipe: Plane, lps_from_zyx: NDArray[np.float64]) -> bool:
    return _left_mm(right, lps_from_zyx) < _left_mm(pipe, lps_from_zyx) < _left_mm(left, lps_from_zyx)


def _stay_apart(right: Plane, left: Plane, pieces: NDArray[np.int32], n_parted: int) -> bool:
    """Tell whether both can be followed, apart, through `n_parted` slices, of which the first holds them."""
    if len(pieces) < n_parted:
        return False
    for plane in pieces[1:]:
        right, left = (np.isin(plane, np.setdiff1d(plane[piece], 0)) for piece in (right, left))
        if not right.any() or not left.any() or (right & left).any():
            return False
    return True


def _between(right: Plane, left: Plane, index: float, lps_from_zyx: NDArray[np.float64]) -> Point:
    a, b = np.argwhere(right), np.argwhere(left)
    spacing_yx_mm = np.linalg.norm(lps_from_zyx[:3, 1:3], axis=0)
    i, j = divmod(int(cdist(a * spacing_yx_mm, b * spacing_yx_mm).argmin()), len(b))
    y, x = ((a[i] + b[j]) / 2.0).tolist()
    x_mm, y_mm, z_mm = (lps_from_zyx[:3] @ (index, y, x, 1.0)).tolist()
    return (x_mm, y_mm, z_mm)
