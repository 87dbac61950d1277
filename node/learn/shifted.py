"""Cubes and crops seen through a smaller window at random: they are centred on their nodule, and a scan is not."""

from collections import defaultdict
from dataclasses import replace

import numpy as np

from node.learn.lesion_set import LesionSet
from node.learn.planes import Plane

LARGEST_PX = 128  # of the pictures that are centred on a nodule


def shifted(data: LesionSet, seed: int) -> LesionSet:
    """Return the set with each small stack cut to three quarters of its rows and columns, at a place drawn for it.

    Drawn of those places where the whole nodule is in the window, if it fits; else round its middle. Slices stay where
    they are, and larger pictures are not cut.
    """
    stacks: dict[str, list[int]] = defaultdict(list)
    for at, plane in enumerate(data.planes):
        if max(plane.hu_yx.shape) <= LARGEST_PX:
            stacks[plane.stack].append(at)
    planes = list(data.planes)
    for name in sorted(stacks):
        rng = np.random.default_rng((seed, *name.encode()))
        index = stacks[name]
        rows, columns = _window([planes[at] for at in index], rng)
        for at in index:
            hu_yx, tumour_yx = planes[at].hu_yx, planes[at].tumour_yx
            planes[at] = replace(planes[at], hu_yx=hu_yx[rows, columns], tumour_yx=tumour_yx[rows, columns])
    return LesionSet(tuple(planes), data.below, data.above)


def _window(planes: list[Plane], rng: np.random.Generator) -> tuple[slice, slice]:
    """Draw rows and columns for one stack."""
    nodule_yx = np.any([plane.tumour_yx for plane in planes], axis=0)
    found = []
    for axis, n in enumerate(nodule_yx.shape):
        side = 3 * n // 4
        on = np.nonzero(nodule_yx.any(1 - axis))[0]
        low, high = 0, n - side
        if len(on):
            first, last = sorted((int(on[-1]) + 1 - side, int(on[0])))  # all of it in the window, or its middle
            low, high = (int(np.clip(bound, 0, n - side)) for bound in (first, last))
        start = int(rng.integers(low, high + 1))
        found.append(slice(start, start + side))
    return found[0], found[1]
