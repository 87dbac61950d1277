"""The 256 cases of marching cubes for a binary mask, derived instead of typed.

A cube has eight voxel centres as corners; bit `i` of a case is corner `i`, at (i >> 2, i >> 1, i) & 1 along the three
axes. The surface crosses each edge between a set and an unset corner at its middle (level 0.5). On every face the
crossings are joined so that set corners which only touch across the face's diagonal stay apart; both cubes that share
a face then agree, and the surface is closed. The crossings chain into loops; a loop of three is a triangle, a longer
one is a fan round its centroid, which no turning or mirroring of the mask can change.

W. E. Lorensen, H. E. Cline, "Marching cubes", SIGGRAPH 1987.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class CubeCases:
    """All cases' triangles one after the other.

    Attributes
    ----------
    triangles : (n, 3, 3) float64, corner coordinates of each triangle in the unit cube, normals outwards.
    first, count : (256,) int64, which of them belong to a case.
    """

    triangles: NDArray[np.float64]
    first: NDArray[np.int64]
    count: NDArray[np.int64]


Edge = frozenset[int]


def cube_cases() -> CubeCases:
    """Derive the table."""
    per_case = [_triangles(case) for case in range(256)]
    count = np.array([len(triangles) for triangles in per_case], np.int64)
    return CubeCases(
        np.array([triangle for triangles in per_case for triangle in triangles], np.float64),
        np.concatenate([[0], np.cumsum(count)[:-1]]),
        count,
    )


def _triangles(case: int) -> list[NDArray[np.float64]]:
    found = []
    for loop in _loops(case):
        points = np.array([_middle(edge) for edge in loop])
        if len(points) == 3:
            found.append(points)
            continue
        centroid = points.mean(axis=0)
        found += [np.array([points[i - 1], points[i], centroid]) for i in range(len(points))]
    return found


def _loops(case: int) -> list[list[Edge]]:
    """Chain the crossings: on each face the surface runs from where the set corners begin to where they end."""
    following: dict[Edge, Edge] = {}
    for face in _FACES:
        is_set = [bool(case >> corner & 1) for corner in face]
        for i in range(4):
            if is_set[i] and not is_set[i - 1]:
                last = i
                while is_set[(last + 1) % 4]:
                    last += 1
                following[frozenset((face[i - 1], face[i]))] = frozenset((face[last % 4], face[(last + 1) % 4]))
    loops = []
    while following:
        edge = min(following, key=sorted)
        loop = []
        while edge in following:
            loop.append(edge)
            edge = following.pop(edge)
        loops.append(loop)
    return loops


def _middle(edge: Edge) -> NDArray[np.float64]:
    middle: NDArray[np.float64] = np.mean([_place(corner) for corner in edge], axis=0)
    return middle


def _place(corner: int) -> tuple[int, int, int]:
    return corner >> 2 & 1, corner >> 1 & 1, corner & 1


def _face(axis: int, side: int) -> tuple[int, int, int, int]:
    """Return a face's corners, counter-clockwise as seen from outside the cube."""
    corners = []
    for second, third in ((0, 0), (1, 0), (1, 1), (0, 1)):
        place = [0, 0, 0]
        place[axis], place[(axis + 1) % 3], place[(axis + 2) % 3] = side, second, third
        corners.append(place[0] << 2 | place[1] << 1 | place[2])
    a, b, c, d = corners if side else corners[::-1]
    return a, b, c, d


_FACES = tuple(_face(axis, side) for axis in range(3) for side in (0, 1))
