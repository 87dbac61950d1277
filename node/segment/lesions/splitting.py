"""Splitting of lesions that touch, only where it is safe.

Bodies are peaks of the depth below the surface; between two of them lies the neck, the deepest way from one to the
other. They are two lesions only where all of this holds:

    thin     the neck is at most 0.55 times as deep as the smaller body
    bodies   they are as far apart as their depths say: a longer distance is a bar between them, a shorter one a waist
    density  the neck's core is less dense than both bodies: two surfaces meet there; one tissue runs through a bar.
             On phantoms: 72 to 148 HU less between touching balls, at most 49 HU less in bars

What is split is parted by the watershed of the depth; one that is not stays whole.
"""

import numpy as np
import SimpleITK
from numpy.typing import NDArray
from scipy import ndimage

NECK_FRAC = 0.55
DIP_HU = 60.0
_CORE_FRAC = 0.7  # of the neck's depth, from which a voxel of it is its core: the rim of a bar is thin, too
_LEAST_DEPTH_MM = 2.0  # of a body
_NEAREST_FRAC = 0.8  # of the sum of their depths; nearer bodies share a waist
_BAR_VOXELS = 2.5  # by which two bodies that touch may be farther apart than that sum

Mask = NDArray[np.bool_]
Spacing = tuple[float, float, float]


def split(mask: Mask, hu: NDArray[np.int16], spacing_mm: Spacing) -> tuple[Mask, ...]:
    """Return the parts of one connected mask, itself where it is one lesion.

    Parameters
    ----------
    mask : (head, back, left) bool.
    hu : the same grid.
    spacing_mm : of its grid.
    """
    depth_mm = ndimage.distance_transform_edt(np.pad(mask, 1), sampling=spacing_mm)[1:-1, 1:-1, 1:-1]
    basins = _basins(depth_mm, mask, spacing_mm)
    n = int(basins.max())
    if n < 2:
        return (mask,)
    group = list(range(n + 1))
    for a, b in _touching(basins):
        if group[a] != group[b] and not _are_two(a, b, basins, depth_mm, hu, spacing_mm):
            old, new = group[b], group[a]
            group = [new if g == old else g for g in group]
    joined = np.array(group)[basins]
    parts = tuple(joined == g for g in dict.fromkeys(group[1:]))
    return parts if len(parts) > 1 else (mask,)


def _basins(depth_mm: NDArray[np.float64], mask: Mask, spacing_mm: Spacing) -> NDArray[np.intp]:
    """Label each voxel of the mask with its body, from 1; shallow bumps are no bodies of their own."""
    if depth_mm.max() < _LEAST_DEPTH_MM:
        return mask.astype(np.intp)
    image = SimpleITK.GetImageFromArray((-depth_mm).astype(np.float32))
    image.SetSpacing(spacing_mm[::-1])
    level = max(0.15 * float(depth_mm.max()), 0.5 * min(spacing_mm))
    parted = SimpleITK.MorphologicalWatershed(image, level=level, markWatershedLine=False, fullyConnected=True)
    raw = np.where(mask, SimpleITK.GetArrayFromImage(parted), 0)
    found = [label for label in np.unique(raw[mask]) if depth_mm[raw == label].max() >= _LEAST_DEPTH_MM]
    number = np.zeros(int(raw.max()) + 1, np.intp)
    number[found] = np.arange(1, len(found) + 1)
    basins = number[raw]
    if (stray := mask & (basins == 0)).any():
        nearest = ndimage.distance_transform_edt(basins == 0, return_distances=False, return_indices=True)
        basins = np.where(stray, basins[tuple(nearest)], basins)
    return np.asarray(basins, np.intp)


def _touching(basins: NDArray[np.intp]) -> list[tuple[int, int]]:
    """Return the pairs of bodies that share a face, in order."""
    pairs: set[tuple[int, int]] = set()
    for axis in range(3):
        one, other = (np.moveaxis(basins, axis, 0)[s] for s in (slice(None, -1), slice(1, None)))
        meet = (one != other) & (one > 0) & (other > 0)
        pairs |= {(int(min(p)), int(max(p))) for p in zip(one[meet], other[meet], strict=True)}
    return sorted(pairs)


def _are_two(
    a: int, b: int, basins: NDArray[np.intp], depth_mm: NDArray[np.float64], hu: NDArray[np.int16], spacing_mm: Spacing
) -> bool:
    one, other = basins == a, basins == b
    neck = (one & ndimage.binary_dilation(other)) | (other & ndimage.binary_dilation(one))
    depth_a, depth_b, depth_neck = (float(depth_mm[part].max()) for part in (one, other, neck))
    if depth_neck > NECK_FRAC * min(depth_a, depth_b):
        return False
    apart_mm = float(np.linalg.norm((_peak(depth_mm, one) - _peak(depth_mm, other)) * spacing_mm))
    voxel_mm = float(np.prod(spacing_mm)) ** (1.0 / 3.0)
    touching_mm = depth_a + depth_b
    if not _NEAREST_FRAC * touching_mm <= apart_mm <= touching_mm + _BAR_VOXELS * voxel_mm:
        return False
    at_neck = float(hu[neck & (depth_mm >= _CORE_FRAC * depth_neck)].mean())
    return all(
        float(np.median(hu[part & (depth_mm > 0.5 * depth)])) - at_neck >= DIP_HU
        for part, depth in ((one, depth_a), (other, depth_b))
    )


def _peak(depth_mm: NDArray[np.float64], part: Mask) -> NDArray[np.float64]:
    """Return the middle of the deepest voxels of a body."""
    inside = np.where(part, depth_mm, 0.0)
    middle: NDArray[np.float64] = np.argwhere(inside >= 0.97 * inside.max()).mean(axis=0)
    return middle
