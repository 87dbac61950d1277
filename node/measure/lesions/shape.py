"""Extent and shape of a lesion in three dimensions.

    3D Feret      greatest distance between two vertices of the mesh (IBSI "Maximum 3D Diameter of a Mesh", L0JK)
    mesh volume   inside the mesh (RNU0)
    sphericity    pi^(1/3) (6 V)^(2/3) / A with the mesh's V and A (QCFX); 1 for a ball, less for everything else

The mesh's vertices on the hull are the midpoints of voxel faces, so the Feret diameter is that of their hull.
"""

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.distance import cdist

from node.measure.lesions.mesh import area_mm2, surface_mm, volume_mm3

SPHERICITY_AT_MOST = 1.05  # no closed surface exceeds 1; more is a faulty mesh, not a lesion

_BLOCK = 1000  # rows of distances at once: the hull of a large mass has thousands of vertices
_FACE_MIDPOINTS = 0.5 * np.concatenate([np.eye(3), -np.eye(3)])


@dataclass(frozen=True, slots=True)
class Shape:
    """`sphericity` (no unit) is None where the mesh is at fault."""

    feret_mm: float
    mesh_volume_mm3: float
    mesh_area_mm2: float
    sphericity: float | None


def measure_shape(mask_zyx: NDArray[np.bool_], spacing_zyx_mm: tuple[float, float, float]) -> Shape:
    """Measure extent, volume, area and sphericity of a mask that has voxels.

    Parameters
    ----------
    mask_zyx : (slices, rows, columns) bool
    spacing_zyx_mm : between voxel centres, mm
    """
    triangles_mm = surface_mm(mask_zyx, spacing_zyx_mm)
    volume, area = volume_mm3(triangles_mm), area_mm2(triangles_mm)
    return Shape(feret_mm(mask_zyx, spacing_zyx_mm), volume, area, sphericity(volume, area))


def sphericity(mesh_volume_mm3: float, mesh_area_mm2: float) -> float | None:
    """Return the sphericity, or None where it cannot be that of a closed surface."""
    value = pi ** (1.0 / 3.0) * (6.0 * max(mesh_volume_mm3, 0.0)) ** (2.0 / 3.0) / mesh_area_mm2
    return value if 0.0 < value <= SPHERICITY_AT_MOST else None


def feret_mm(mask_zyx: NDArray[np.bool_], spacing_zyx_mm: tuple[float, float, float]) -> float:
    """Return the greatest distance between two of the mesh's vertices; only rows' ends can be on the hull."""
    z, y = np.nonzero(mask_zyx.any(axis=2))
    rows = mask_zyx[z, y]
    first, last = rows.argmax(axis=1), rows.shape[1] - 1 - rows[:, ::-1].argmax(axis=1)
    ends = np.concatenate([np.stack([z, y, first], axis=1), np.stack([z, y, last], axis=1)])
    points_mm = (ends[:, None, :] + _FACE_MIDPOINTS).reshape(-1, 3) * spacing_zyx_mm
    hull_mm = points_mm[ConvexHull(points_mm).vertices]
    blocks = np.array_split(hull_mm, -(-len(hull_mm) // _BLOCK))
    return max(float(cdist(block, hull_mm).max()) for block in blocks)
