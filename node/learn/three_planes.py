"""Cubes seen along all three axes: their voxels are as long as wide, so that each plane shows the nodule as well."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from node.learn.lesion_score import Found
from node.learn.lesion_set import LesionSet, of_planes
from node.learn.planes import CUBE, Plane
from node.learn.runs import runs

# beside the axial slices that a cube is read as; of (z, y, x): which is the number of a slice, which its rows, columns
_FURTHER = {"coronal": (1, 0, 2), "sagittal": (2, 0, 1)}


@dataclass(frozen=True, slots=True)
class _Cube:
    """One cube of a set: where its axial slices stand in it, from the feet, and the same cut along another axis."""

    index: list[int]
    cut: LesionSet


def in_three_planes(data: LesionSet) -> LesionSet:
    """Return the set with the coronal and the sagittal slices of each cube beside its axial ones."""
    further = (plane for axis in _FURTHER for cube in _cubes(data, axis) for plane in cube.cut.planes)
    return of_planes((*data.planes, *further))


def mean_of_planes(data: LesionSet, answer: Callable[[LesionSet], Iterable[Found]]) -> list[Found]:
    """Return the answers; those of cubes are the mean of the answers along the three axes.

    Parameters
    ----------
    answer : gives the probabilities (rows, columns) of each slice of a set.
    """
    total = {at: p.copy() for at, p in answer(data)}
    for axis, axes in _FURTHER.items():
        for cube in _cubes(data, axis):
            found = dict(answer(cube.cut))
            p_zyx = np.stack([found[at] for at in range(len(cube.cut))]).transpose(np.argsort(axes))
            for at, p_yx in zip(cube.index, p_zyx, strict=True):
                total[at] += p_yx
    n = {at: 1.0 + len(_FURTHER) * (plane.domain == CUBE) for at, plane in enumerate(data.planes)}
    return [(at, (p / n[at]).astype(np.float32)) for at, p in total.items()]


def _cubes(data: LesionSet, axis: str) -> Iterable[_Cube]:
    """Yield each cube cut along an axis."""
    for run in runs(data):
        index = [int(at) for at in run]
        if data.planes[index[0]].domain == CUBE:
            yield _Cube(index, _cut([data.planes[at] for at in index], axis))


def _cut(slices: list[Plane], axis: str) -> LesionSet:
    hu = np.ascontiguousarray(np.stack([plane.hu_yx for plane in slices]).transpose(_FURTHER[axis]))
    nodule = np.ascontiguousarray(np.stack([plane.tumour_yx for plane in slices]).transpose(_FURTHER[axis]))
    first = slices[0]
    stack = f"{first.stack} {axis}"
    return of_planes(
        tuple(
            replace(first, id=f"{first.id} {axis} {z}", hu_yx=hu[z], tumour_yx=nodule[z], stack=stack, z=z)
            for z in range(len(hu))
        )
    )
