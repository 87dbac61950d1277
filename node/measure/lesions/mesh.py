"""The surface of a mask as a closed mesh in mm: marching cubes at 0.5, and its volume and area.

Volume: signed tetrahedra from the origin (IBSI "Volume of Mesh", RNU0). Area: sum over the triangles.
"""

import numpy as np
from numpy.typing import NDArray

from node.measure.lesions.cube_cases import cube_cases

_CASES = cube_cases()


def surface_mm(mask_zyx: NDArray[np.bool_], spacing_zyx_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    """Return the triangles round a mask; it is closed also where the mask reaches the array's end.

    Parameters
    ----------
    mask_zyx : (slices, rows, columns) bool
    spacing_zyx_mm : between voxel centres, mm

    Returns
    -------
    (n, 3, 3) float64, mm along the grid's axes from the first voxel's centre; (triangle, corner, zyx).
    """
    padded = np.pad(mask_zyx, 1).astype(np.uint8)
    nz, ny, nx = (n - 1 for n in padded.shape)
    case_zyx = np.zeros((nz, ny, nx), np.uint8)
    for corner in range(8):
        z, y, x = corner >> 2 & 1, corner >> 1 & 1, corner & 1
        case_zyx |= padded[z : z + nz, y : y + ny, x : x + nx] << np.uint8(corner)
    cubes = np.argwhere((case_zyx > 0) & (case_zyx < 255))  # (k, 3)
    cases = case_zyx[tuple(cubes.T)]
    count = _CASES.count[cases]
    begin = np.cumsum(count) - count
    which = np.arange(int(count.sum())) - np.repeat(begin - _CASES.first[cases], count)
    places = _CASES.triangles[which] + np.repeat(cubes - 1, count, axis=0)[:, None, :]
    triangles: NDArray[np.float64] = places * spacing_zyx_mm
    return triangles


def volume_mm3(triangles_mm: NDArray[np.float64]) -> float:
    """Return the volume inside a closed mesh."""
    a, b, c = triangles_mm.transpose(1, 0, 2)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def area_mm2(triangles_mm: NDArray[np.float64]) -> float:
    """Return the area of a mesh."""
    a, b, c = triangles_mm.transpose(1, 0, 2)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2.0)
