"""A sphere on a grid of voxels: each voxel weighs by how much of it lies in the sphere, counted on sub-voxels."""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

LEAST_SUB_VOXELS = 4  # per axis
SUB_VOXELS_PER_RADIUS = 12  # a sphere of 1 cm3 is then 1 cm3 within 0.5 % on grids of up to 6 mm


@dataclass(frozen=True, slots=True)
class SphereUptake:
    """Weighted mean and standard deviation over what lies in the volume; `inside_frac` of the sphere does."""

    mean: float
    sd: float
    inside_frac: float


def sphere_weights(
    lps_from_zyx: NDArray[np.float64], radius_mm: float, shift_zyx: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> NDArray[np.float64]:
    """Return the share of each voxel that a sphere covers.

    Parameters
    ----------
    lps_from_zyx : (4, 4) float64, mm
        Of the grid; any direction and spacing.
    radius_mm : float, mm
    shift_zyx : of the sphere's centre from the centre of the middle voxel, voxels

    Returns
    -------
    (odd, odd, odd) float64, 0 to 1, with the middle voxel in the middle.
    """
    axes = lps_from_zyx[:3, :3]
    # along each index the sphere reaches as far as the planes of constant index allow (grids may be sheared)
    reach = radius_mm * np.linalg.norm(np.linalg.inv(axes), axis=1) + np.abs(shift_zyx)
    half = [ceil(r + 0.5) for r in reach.tolist()]
    spacing_mm = np.linalg.norm(axes, axis=0)
    n = max(LEAST_SUB_VOXELS, ceil(float(spacing_mm.max()) * SUB_VOXELS_PER_RADIUS / radius_mm))
    parts = (np.arange(n) + 0.5) / n - 0.5
    offsets = [(np.arange(-h, h + 1)[:, None] + parts).ravel() - s for h, s in zip(half, shift_zyx, strict=True)]
    z, y, x = np.meshgrid(*offsets, indexing="ij", sparse=True)
    squared = sum((axes[i, 0] * z + axes[i, 1] * y + axes[i, 2] * x) ** 2 for i in range(3))
    inside = np.asarray(squared) <= radius_mm**2
    n_z, n_y, n_x = (2 * h + 1 for h in half)
    blocks = inside.reshape(n_z, n, n_y, n, n_x, n)
    weights: NDArray[np.float64] = blocks.mean(axis=(1, 3, 5))
    return weights


def sphere_uptake(
    suv_zyx: NDArray[np.float32],
    lps_from_zyx: NDArray[np.float64],
    centre_lps_mm: tuple[float, float, float],
    radius_mm: float,
) -> SphereUptake | None:
    """Measure a sphere anywhere in a volume; None where it lies outside altogether."""
    at = np.linalg.solve(lps_from_zyx, np.r_[centre_lps_mm, 1.0])[:3]
    middle = np.rint(at).astype(int)
    z, y, x = (at - middle).tolist()
    weights = sphere_weights(lps_from_zyx, radius_mm, (z, y, x))
    total = float(weights.sum())
    low = middle - np.array(weights.shape) // 2
    window = tuple(slice(max(a, 0), max(min(a + n, size), 0)) for a, n, size in _spans(low, weights, suv_zyx))
    within = tuple(slice(w.start - a, w.stop - a) for w, a in zip(window, low.tolist(), strict=True))
    if any(w.stop <= w.start for w in window):
        return None
    values, weights = suv_zyx[window].astype(np.float64), weights[within]
    inside = float(weights.sum())
    if inside == 0.0:
        return None
    mean = float((weights * values).sum() / inside)
    variance = float((weights * (values - mean) ** 2).sum() / inside)
    return SphereUptake(mean, variance**0.5, inside / total)


def _spans(
    low: NDArray[np.int_], weights: NDArray[np.float64], suv_zyx: NDArray[np.float32]
) -> list[tuple[int, int, int]]:
    return list(zip(low.tolist(), weights.shape, suv_zyx.shape, strict=True))
