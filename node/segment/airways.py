"""Windpipe and main bronchi, grown down from the windpipe and stopped before they leak into the lung.

All air connected to the windpipe and darker than a threshold; the threshold rises until the tree would burst. The
highest one before that is taken, and the lumen is then grown to its wall, where voxels hold both.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.segment.box import box_of
from node.segment.windpipe import windpipe

_THRESHOLDS_HU = tuple(range(-960, -499, 25))
_LARGEST_ML = 110.0  # windpipe, main bronchi and what hangs on them; adults seen: 20 to 60
_BURST = 1.8  # a tree that grows by more than this with one step has left its wall
_BELOW_MM, _BESIDE_MM = 120.0, 90.0  # how far the main bronchi reach from the windpipe
_WALL_MM = 4.5  # how far the partly filled voxels of the wall reach from the lumen


def airways(
    hu: NDArray[np.int16], air: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> NDArray[np.bool_] | None:
    """Find windpipe and main bronchi, or None without a windpipe.

    Parameters
    ----------
    hu, air : (head, back, left) int16 and bool, the working grid.
    spacing_mm : of that grid.
    """
    above = _centre_of_the_largest(air)
    found = windpipe(hu[above:], air[above:], spacing_mm)
    if found is None:
        return None
    pipe = np.zeros_like(air)
    pipe[above:] = found
    near = _near(pipe, spacing_mm)
    tree = _before_it_bursts(hu[near], air[near], pipe[near], float(np.prod(spacing_mm)) / 1000.0)
    rounds = max(1, round(_WALL_MM / max(spacing_mm[1:])))
    in_slice = ndimage.generate_binary_structure(2, 1)[None]
    walled = pipe.copy()
    walled[near] = ndimage.binary_dilation(tree, in_slice, iterations=rounds, mask=air[near])
    return walled


def _centre_of_the_largest(air: NDArray[np.bool_]) -> int:
    """Return the slice at which half of the largest piece of air lies below: a tube lower down may be bowel."""
    labels, n = ndimage.label(air)
    if n == 0:
        return 0
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    below = np.cumsum((labels == int(sizes.argmax())).sum(axis=(1, 2)))
    return int(np.searchsorted(below, below[-1] / 2.0))


def _near(pipe: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> tuple[slice, ...]:
    """Return the box round the windpipe in which the tree is looked for."""
    box = box_of(pipe)
    if box is None:
        return tuple(slice(0, n) for n in pipe.shape)
    below, *beside = (int(mm / step) for mm, step in zip((_BELOW_MM, _BESIDE_MM, _BESIDE_MM), spacing_mm, strict=True))
    z, *across = box
    return (
        slice(max(z.start - below, 0), z.stop),
        *(slice(max(s.start - n, 0), s.stop + n) for s, n in zip(across, beside, strict=True)),
    )


def _before_it_bursts(
    hu: NDArray[np.int16], air: NDArray[np.bool_], pipe: NDArray[np.bool_], voxel_ml: float
) -> NDArray[np.bool_]:
    tree = pipe
    for threshold_hu in _THRESHOLDS_HU:
        labels, n = ndimage.label(air & (hu < threshold_hu))
        connected = np.zeros(n + 1, bool)
        connected[labels[pipe]] = True
        connected[0] = False
        grown = connected[labels] | pipe
        volume_ml = float(grown.sum()) * voxel_ml
        if volume_ml > _LARGEST_ML or volume_ml > _BURST * float(tree.sum()) * voxel_ml:
            break
        tree = grown
    return tree
