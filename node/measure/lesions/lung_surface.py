"""The outer surface of one lung, as the centres of its outermost voxels in the patient.

The lung with the lesions of its side, with all that its slices enclose (vessels, bronchi) filled. A voxel is
outermost where one of its six neighbours lies outside; beyond the scan's first and last slice and the picture's edge
nothing is known, so nothing there is surface. The medial half is, slice by slice, what lies nearer to the other lung
than the middle of the lung's width.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.measure.quantity import Side

_ROUND_IN_SLICE = np.zeros((3, 3, 3), bool)
_ROUND_IN_SLICE[1] = ndimage.generate_binary_structure(2, 1)


@dataclass(frozen=True, slots=True)
class LungSurface:
    """Points are (n, 3) float64, LPS mm; `lowest_mm` and `highest_mm` are the lung's extent towards the head (S)."""

    outer_lps_mm: NDArray[np.float64]
    medial_lps_mm: NDArray[np.float64]
    lowest_mm: float
    highest_mm: float


def lung_surface(
    region_zyx: NDArray[np.bool_],
    origin_zyx: tuple[int, int, int],
    lps_from_zyx: NDArray[np.float64],
    side: Side,
) -> LungSurface:
    """Find the surface of one lung.

    Parameters
    ----------
    region_zyx : (slices, rows, columns) bool
        Part of the volume with the whole lung and the lesions of its side, and a voxel round them where there is one.
    origin_zyx : where in the volume that part begins
    lps_from_zyx : (4, 4) float64, mm
    side : of the patient
    """
    outermost = _outermost(_outside(~region_zyx))
    at = np.unravel_index(np.flatnonzero(outermost), outermost.shape)
    points_zyx = np.stack([index + start for index, start in zip(at, origin_zyx, strict=True)], axis=1)
    points_lps_mm = points_zyx @ lps_from_zyx[:3, :3].T + lps_from_zyx[:3, 3]
    medial = _is_medial(points_zyx[:, 0], points_lps_mm[:, 0], side)
    half_mm = float(np.abs(lps_from_zyx[2, :3]).max()) / 2.0
    heights_mm = points_lps_mm[:, 2]
    return LungSurface(
        points_lps_mm,
        points_lps_mm[medial],
        float(heights_mm.min()) - half_mm,
        float(heights_mm.max()) + half_mm,
    )


def _outside(background_zyx: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the background that is connected to the array's sides within its slice."""
    pieces, n = ndimage.label(background_zyx, _ROUND_IN_SLICE)
    reaches = np.zeros(n + 1, bool)
    for side in (pieces[:, 0], pieces[:, -1], pieces[:, :, 0], pieces[:, :, -1]):
        reaches[side] = True
    reaches[0] = False
    outside: NDArray[np.bool_] = np.take(reaches, pieces)
    return outside


def _outermost(outside_zyx: NDArray[np.bool_]) -> NDArray[np.bool_]:
    beside = np.zeros_like(outside_zyx)
    beside[1:] |= outside_zyx[:-1]
    beside[:-1] |= outside_zyx[1:]
    beside[:, 1:] |= outside_zyx[:, :-1]
    beside[:, :-1] |= outside_zyx[:, 1:]
    beside[:, :, 1:] |= outside_zyx[:, :, :-1]
    beside[:, :, :-1] |= outside_zyx[:, :, 1:]
    return beside & ~outside_zyx


def _is_medial(slices: NDArray[np.int64], left_mm: NDArray[np.float64], side: Side) -> NDArray[np.bool_]:
    """Tell which points lie in the medial half of their slice; points come slice by slice."""
    begins = np.nonzero(np.diff(slices, prepend=-1))[0]
    lowest, highest = np.minimum.reduceat(left_mm, begins), np.maximum.reduceat(left_mm, begins)
    middle_mm = np.repeat((lowest + highest) / 2.0, np.diff(begins, append=len(slices)))
    medial: NDArray[np.bool_] = left_mm >= middle_mm if side is Side.RIGHT else left_mm <= middle_mm
    return medial
