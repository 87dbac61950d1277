"""Dense lung that the other lung shows: a mass on mediastinum, spine or wall that the lungs let go between slices.

A network of single slices takes a mass for lung on one slice and for chest wall on the next. The slice does not say
what is right; the other side of the chest does. Dense tissue in the mirror image of the other lung that stands on lung
and goes on from a dense piece of the lungs is lung. Heart and liver, too, lie in such an image, but they stand on
tissue down to the abdomen; fat is none, and beyond the hull of both lungs is chest wall. Measured in ADR 0025.
Everything is on the working grid of about 2 mm.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, spatial

from node.segment.dense_steps import step_cm2
from node.segment.postprocess.domes_off import TISSUE_HU
from node.segment.postprocess.masses import dense_cores, large_pieces
from node.segment.postprocess.midplane import Spacing, midplane

_BONE_HU = 160  # ribs and, in a scan with contrast, vessels
_FAT_HU = -20  # both of the mean of 3 x 3 voxels
_AIR_HU, _AIR_RIM_MM = -500, 3.0
_INSET_MM = 4.0  # the two lungs are no exact images of each other
_THICK_MM = 4.0  # to either side, within the slice: vessels and rims are thinner
_BESIDE_MM = 8.0  # within the slice: what goes with what stands on lung, and what a dense piece of the lungs ends
_SEAM_MM = 3.0  # half the width of a gap
_BOTH_FRAC = 0.2  # of the larger lung on a slice; with less the smaller says nothing of its wall
_RIM_MM = 2.0  # of a piece, within the image

Mask = NDArray[np.bool_]


def missing_by_mirror(lungs: Mask, hu: NDArray[np.int16], aorta: Mask, spacing_mm: Spacing) -> Mask:
    """Return dense tissue that the other lung shows to be lung; none where no dense piece of the lungs is cut.

    Parameters
    ----------
    lungs, hu, aorta : (head, back, left) bool, int16 HU and bool.
    spacing_mm : mm, the same order.
    """
    dense = hu >= TISSUE_HU
    inside, outside = lungs & dense, dense & ~lungs & ~aorta
    if not _is_cut(inside, outside, spacing_mm):
        return np.zeros_like(lungs)
    plane = midplane(hu, lungs, spacing_mm)
    image = plane.mirrored(lungs)
    mean_hu = ndimage.uniform_filter(hu.astype(np.float32), (1, 3, 3))
    free = image & outside & ~ndimage.binary_dilation(mean_hu >= _BONE_HU)
    inset = free & _by_slice(image, lambda one: _shrunk(one, _INSET_MM, spacing_mm))
    thick = _thick(_standing_on(lungs, inset), spacing_mm)
    wide = _thick(_beside(thick, _BESIDE_MM, spacing_mm) & inset, spacing_mm)
    pieces = _going_on(_not_ended(wide, dense_cores(lungs, hu, spacing_mm), spacing_mm), inside, spacing_mm)
    missing = _beside(pieces, _INSET_MM + _RIM_MM, spacing_mm) & free
    fat = (mean_hu < _FAT_HU) & ~_rim_of_air(hu, spacing_mm)
    sure = large_pieces(missing & _within_walls(lungs, plane.columns) & ~fat, spacing_mm)
    whole: Mask = sure | (missing & _seams(lungs, sure, spacing_mm))
    return whole


def _is_cut(inside: Mask, outside: Mask, spacing_mm: Spacing) -> bool:
    """Say whether a dense piece goes on outside the lungs, towards the head or the feet."""
    neighbours = ((inside[1:], outside[:-1]), (inside[:-1], outside[1:]))
    return any(
        step_cm2(a & b, spacing_mm) > 0 for lower, upper in neighbours for a, b in zip(lower, upper, strict=True)
    )


def _rim_of_air(hu: NDArray[np.int16], spacing_mm: Spacing) -> Mask:
    """Return what lies near air: the rim of a mass is as dark as fat there."""
    rim: Mask = ndimage.distance_transform_edt(hu >= _AIR_HU, spacing_mm) <= _AIR_RIM_MM
    return rim


def _seams(lungs: Mask, missing: Mask, spacing_mm: Spacing) -> Mask:
    """Return the narrow gaps between the lungs and what they miss, slice by slice: rims that are as dark as fat."""
    shut = _by_slice(lungs | missing, lambda one: _shrunk(_grown(one, _SEAM_MM, spacing_mm), _SEAM_MM, spacing_mm))
    seams: Mask = shut & _beside(missing, 2.0 * _SEAM_MM, spacing_mm)
    return seams


def _within_walls(lungs: Mask, columns: NDArray[np.float64]) -> Mask:
    """Return the convex hull of the lungs on slices that have both, everything on others: beyond is chest wall."""
    within = np.ones_like(lungs)
    right = np.arange(lungs.shape[2]) < columns[:, :, None]
    for z, one in enumerate(lungs):
        sides = np.count_nonzero(one & right[z]), np.count_nonzero(one & ~right[z])
        if min(sides) > _BOTH_FRAC * max(sides):
            within[z] = _hull(one)
    return within


def _hull(one: Mask) -> Mask:
    """Return the convex hull of a slice, the corners of its voxels included."""
    rows = np.nonzero(one.any(1))[0]
    first, last = one[rows].argmax(1), one.shape[1] - one[rows, ::-1].argmax(1)
    corners = [
        (y + dy, x) for y, left, right in zip(rows, first, last, strict=True) for dy in (0, 1) for x in (left, right)
    ]
    planes = spatial.ConvexHull(np.array(corners, np.float64)).equations
    y, x = np.mgrid[: one.shape[0], : one.shape[1]] + 0.5
    inside: Mask = np.logical_and.reduce([a * y + b * x + c <= 1e-9 for a, b, c in planes])
    return inside


def _standing_on(lungs: Mask, tissue: Mask) -> Mask:
    """Return the tissue that has lung below it, or tissue that has."""
    stands = np.zeros_like(tissue)
    for z in range(1, len(tissue)):
        stands[z] = tissue[z] & np.where(tissue[z - 1], stands[z - 1], lungs[z - 1])
    return stands


def _not_ended(tissue: Mask, cores: Mask, spacing_mm: Spacing) -> Mask:
    """Leave out, slice by slice, what a dense piece of the lungs lies beside: there the network drew its border."""
    kept = tissue.copy()
    for z in np.nonzero(tissue.any((1, 2)) & cores.any((1, 2)))[0]:
        labels, n = ndimage.label(tissue[z])
        ended = np.zeros(n + 1, bool)
        ended[labels[_grown(cores[z], _BESIDE_MM, spacing_mm)]] = True
        kept[z] &= ~ended[labels]
    return kept


def _going_on(tissue: Mask, inside: Mask, spacing_mm: Spacing) -> Mask:
    """Return the pieces that a dense piece of the lungs goes on in, on the slice above or below."""
    kept = np.zeros_like(tissue)
    labels, _ = ndimage.label(tissue)
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        piece = np.zeros((box[0].stop - box[0].start, *tissue.shape[1:]), bool)
        piece[:, box[1], box[2]] = labels[box] == label
        z = slice(max(box[0].start - 1, 0), box[0].stop + 1)
        padded = np.zeros_like(tissue[z])
        padded[box[0].start - z.start : box[0].stop - z.start] = piece
        if _is_cut(inside[z], padded, spacing_mm):
            kept[box] |= labels[box] == label
    return kept


def _thick(mask: Mask, spacing_mm: Spacing) -> Mask:
    """Return what a disc of `_THICK_MM` fits into, slice by slice."""
    return _by_slice(mask, lambda one: one & _grown(_shrunk(one, _THICK_MM, spacing_mm), _THICK_MM, spacing_mm))


def _beside(mask: Mask, mm: float, spacing_mm: Spacing) -> Mask:
    return _by_slice(mask, lambda one: _grown(one, mm, spacing_mm))


def _by_slice(mask: Mask, change: Callable[[Mask], Mask]) -> Mask:
    """Apply to each slice that holds a voxel."""
    return np.stack([change(one) if one.any() else one for one in mask])


def _grown(one: Mask, mm: float, spacing_mm: Spacing) -> Mask:
    if not one.any():
        return one
    grown: Mask = ndimage.distance_transform_edt(~one, spacing_mm[1:]) <= mm
    return grown


def _shrunk(one: Mask, mm: float, spacing_mm: Spacing) -> Mask:
    shrunk: Mask = ndimage.distance_transform_edt(one, spacing_mm[1:]) > mm
    return shrunk
