"""The descending aorta: a disc left of or before the spine on every slice, followed from slice to slice.

A tumour network takes a part of it for tumour where it lies on the lung, with or without contrast, and density alone
cannot tell it from a mass beside it; that it goes on for 15 cm can. Not a segmentation: discs, tracked by dynamic
programming. Everything is on the working grid of about 2 mm, (head, back, left).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

_RADII_MM = (9.0, 10.5, 12.0, 13.5, 15.0, 17.0)
_BONE_HU = 180
_SPINE_MM2 = 300.0  # on a slice; less is a rib or metal
_ALIKE = 0.35  # of the largest piece: an aorta full of contrast may be larger than the vertebra behind it
_BACK_MM, _FRONT_MM = 30.0, 34.0  # where the middle is looked for, from the front of the vertebra
_RIGHT_MM, _LEFT_MM = 8.0, 46.0  # and from its middle
_ROUND_MM = 24.0  # of a middle, what is looked at
_RING_MM = (1.5, 5.0)  # outside the disc: what has to be darker
_WALL_MM = 2.0
_MOVE = 1.2  # mm within the slice per mm from slice to slice
_LEAST_MM = 60.0  # a shorter way is not the aorta
_SEEN = 0.2  # mean score within 15 mm from which a slice's disc is believed, and what lies between such slices
_BETWEEN_MM = 45.0  # beside a mass the ring is as dense as the disc
_HU = (-150.0, 200.0)  # contrast above and gas below say no more

Hu = NDArray[np.int16]
Mask = NDArray[np.bool_]
Spacing = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Disc:
    """The aorta on one slice; rows and columns of the working grid."""

    z: int
    y: float
    x: float
    radius_mm: float
    score: float


def descending_aorta(hu: Hu, labels: NDArray[np.uint8], spacing_mm: Spacing) -> Mask:
    """Return the voxels of the discs that are believed, and 2 mm round them for its wall; none where no aorta is found.

    Parameters
    ----------
    hu, labels : (head, back, left) int16 and uint8, each lung its own label.
    spacing_mm : mm, the same order.
    """
    answer = np.zeros(hu.shape, bool)
    rows, columns = np.mgrid[: hu.shape[1], : hu.shape[2]]
    for disc in discs(hu, labels, spacing_mm):
        away = np.hypot((rows - disc.y) * spacing_mm[1], (columns - disc.x) * spacing_mm[2])
        answer[disc.z] = away <= disc.radius_mm + _WALL_MM
    return answer


def discs(hu: Hu, labels: NDArray[np.uint8], spacing_mm: Spacing) -> list[Disc]:
    """Return the discs that are believed, from the feet; the parameters are those of `descending_aorta`."""
    spine = _spine(hu, labels, spacing_mm)
    if spine is None:
        return []
    scores, oy, ox = _scores(hu, spine, spacing_mm)
    way = _way(scores, np.stack([spine.y, spine.x], 1), spacing_mm)
    each = np.array([scores[(z, *at)] for z, at in enumerate(way)])
    believed = _longest(ndimage.uniform_filter1d(each, _slices(30.0, spacing_mm)) >= _SEEN, spacing_mm)
    return [
        Disc(spine.first + z, float(spine.y[z] + oy[y]), float(spine.x[z] + ox[x]), _RADII_MM[r], float(each[z]))
        for z, (r, y, x) in enumerate(way)
        if believed[z]
    ]


def _longest(seen: Mask, spacing_mm: Spacing) -> Mask:
    """Return the longest run of slices, with gaps filled; nothing where it is too short."""
    filled = ndimage.binary_closing(np.pad(seen, len(seen)), np.ones(_slices(_BETWEEN_MM, spacing_mm)))
    runs, n = ndimage.label(filled[len(seen) : -len(seen)])
    if not n:
        return np.zeros_like(seen)
    lengths = np.bincount(runs)[1:]
    answer: Mask = runs == lengths.argmax() + 1
    return answer if lengths.max() * spacing_mm[0] >= _LEAST_MM else np.zeros_like(seen)


@dataclass(frozen=True, slots=True)
class _Spine:
    """The slices with lung, from `first`: bone of the spine, the front (y) and the middle (x) of the vertebra."""

    first: int
    bone: Mask
    y: NDArray[np.intp]
    x: NDArray[np.intp]


def _spine(hu: Hu, labels: NDArray[np.uint8], spacing_mm: Spacing) -> _Spine | None:
    """Find the largest bone behind the middle of the lungs, slice by slice."""
    at = np.argwhere(labels > 0)
    if not len(at):
        return None
    first, last = int(at[0, 0]), int(at[-1, 0])
    middles = [np.argwhere(labels == side)[:, 2].mean() for side in np.unique(labels[labels > 0])]
    row, column, beside = int(at[:, 1].mean()), int(np.mean(middles)), round(_BACK_MM / spacing_mm[2])
    band = (slice(row, None), slice(max(column - beside, 0), column + beside))
    bone = np.zeros((last + 1 - first, *hu.shape[1:]), bool)
    y, x = np.full((2, len(bone)), np.nan)
    for z, picture in enumerate(hu[first : last + 1]):
        part = _vertebra(picture[band] > _BONE_HU)
        if part.sum() * spacing_mm[1] * spacing_mm[2] < _SPINE_MM2:
            continue
        bone[z][band] = part
        ys, xs = np.nonzero(part)
        y[z], x[z] = row + np.percentile(ys, 4), band[1].start + np.median(xs)
    known = np.flatnonzero(~np.isnan(y))
    if len(known) * spacing_mm[0] < _LEAST_MM:
        return None
    size = _slices(40.0, spacing_mm)
    smooth = [
        np.rint(ndimage.median_filter(np.interp(np.arange(len(bone)), known, one[known]), size)).astype(np.intp)
        for one in (y, x)
    ]
    return _Spine(first, bone, smooth[0], smooth[1])


def _vertebra(dense: Mask) -> Mask:
    """Return the large dense piece of a slice that lies farthest back; what is only near it is not filled in."""
    parts, n = ndimage.label(dense)
    if not n:
        return np.zeros_like(dense)
    sizes = np.bincount(parts.ravel())[1:]
    large = np.flatnonzero(sizes >= _ALIKE * sizes.max()) + 1
    rows = ndimage.mean(np.indices(parts.shape)[0], parts, large)
    part = np.pad(parts == large[int(np.argmax(rows))], 8)
    vertebra: Mask = ndimage.binary_fill_holes(ndimage.binary_closing(part, iterations=4))[8:-8, 8:-8]
    return vertebra


def _scores(
    hu: Hu, spine: _Spine, spacing_mm: Spacing
) -> tuple[NDArray[np.float32], NDArray[np.intp], NDArray[np.intp]]:
    """Return how like an aorta each disc is (slices, radii, rows, columns), and its rows and columns from the vertebra.

    Denser than its ring, even inside, no fat, no bone.
    """
    mm = spacing_mm[1]
    oy = np.arange(-round(_FRONT_MM / mm), round(_BACK_MM / mm) + 1)
    ox = np.arange(-round(_RIGHT_MM / mm), round(_LEFT_MM / mm) + 1)
    pad = round(_ROUND_MM / mm)
    shape = (len(oy) + 2 * pad, len(ox) + 2 * pad)
    pictures = np.full((len(spine.y), *shape), _HU[0], np.float32)
    bones = np.zeros_like(pictures)
    for z, (y, x) in enumerate(zip(spine.y, spine.x, strict=True)):
        corner = (int(y) + int(oy[0]) - pad, int(x) + int(ox[0]) - pad)
        _cut(np.clip(hu[spine.first + z], *_HU), corner, pictures[z])
        _cut(spine.bone[z], corner, bones[z])
    away = np.hypot(*np.mgrid[-pad : pad + 1, -pad : pad + 1]) * mm
    stacks = [fft.rfft2(stack) for stack in (pictures, pictures**2, bones)]
    scores = np.empty((len(pictures), len(_RADII_MM), len(oy), len(ox)), np.float32)
    for i, radius in enumerate(_RADII_MM):
        inside = _kernel(away <= radius - 1.0, shape)
        ring = _kernel((away > radius + _RING_MM[0]) & (away <= radius + _RING_MM[1]), shape)
        mean, square, bone = (_meant(stack, inside, shape, pad) for stack in stacks)
        spread = np.sqrt(np.maximum(square - mean**2, 0.0))
        contrast = (mean - _meant(stacks[0], ring, shape, pad)) / 60.0
        fat = np.maximum(-10.0 - mean, 0.0) / 15.0
        scores[:, i] = contrast - spread / 30.0 - fat - 8.0 * np.maximum(bone - 0.03, 0.0)
    return scores, oy, ox


def _cut(picture: NDArray[np.generic], corner: tuple[int, int], into: NDArray[np.float32]) -> None:
    """Copy what lies under a window, in place; what lies outside the picture stays."""
    (y, x), (h, w) = corner, into.shape
    part = picture[max(y, 0) : y + h, max(x, 0) : x + w]
    into[max(-y, 0) : max(-y, 0) + part.shape[0], max(-x, 0) : max(-x, 0) + part.shape[1]] = part


def _kernel(where: Mask, shape: tuple[int, int]) -> NDArray[np.complex64]:
    kernel: NDArray[np.complex64] = fft.rfft2((where / where.sum()).astype(np.float32), shape)
    return kernel


def _meant(
    stack: NDArray[np.complex64], kernel: NDArray[np.complex64], shape: tuple[int, int], pad: int
) -> NDArray[np.float32]:
    """Return the means under a kernel round each place of the window within the padding."""
    whole: NDArray[np.float32] = fft.irfft2(stack * kernel, shape)
    return whole[:, 2 * pad :, 2 * pad :]


def _way(scores: NDArray[np.float32], origin: NDArray[np.intp], spacing_mm: Spacing) -> list[tuple[int, int, int]]:
    """Return radius, row and column on each slice of the way with the largest sum of scores."""
    move = max(1, round(_MOVE * spacing_mm[0] / spacing_mm[1]))
    size = (3, 2 * move + 1, 2 * move + 1)
    sums = [scores[0]]
    shifts = np.diff(origin, axis=0)  # the windows of two slices do not lie on each other
    for one, (dy, dx) in zip(scores[1:], shifts, strict=True):
        before = ndimage.shift(sums[-1], (0, -dy, -dx), order=0, cval=-1e6)
        sums.append(one + ndimage.maximum_filter(before, size, mode="constant", cval=-1e6))
    at = np.unravel_index(int(sums[-1].argmax()), sums[-1].shape)
    way = [at]
    reach, last = np.array((1, move, move)), np.array(sums[0].shape) - 1
    for z in range(len(scores) - 2, -1, -1):
        middle = np.add(at, (0, *shifts[z]))
        low, high = (np.clip(middle + sign * reach, 0, last) for sign in (-1, 1))
        box = tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))
        at = tuple(low + np.unravel_index(int(sums[z][box].argmax()), sums[z][box].shape))
        way.append(at)
    return [(int(r), int(y), int(x)) for r, y, x in way[::-1]]


def _slices(mm: float, spacing_mm: Spacing) -> int:
    """Return an odd number of slices of about this length."""
    return 2 * round(mm / spacing_mm[0] / 2.0) + 1
