"""Nodule cubes as a network of whole cubes learns from them: turned, stretched, shifted, thickened, in other greys.

A cube is cut round its nodule, which a network must not learn: its middle is moved by up to eight voxels. Turning by
any angle about the body's axis and by a few degrees about the others takes the place of further patients.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from node.learn.lesion_set import LesionSet
from node.learn.runs import runs

AIR_HU, CLIPPED_HU = -1024.0, 300.0  # what the cubes at hand were clipped to


@dataclass(frozen=True, slots=True)
class CubeStrength:
    """How much is changed; a pair is uniform between its two, one number the standard deviation round nothing."""

    tilt_rad: float = 0.25  # about the two axes across the body
    log_scale: float = 0.3  # of all axes alike, either way
    log_stretch: float = 0.08  # of each
    shift_voxels: tuple[float, float, float] = (6.0, 8.0, 8.0)  # (z, y, x), either way
    thick_p: float = 0.3  # slices thicker than the cube's step
    thick_share: tuple[float, float] = (0.1, 0.33)  # of a voxel's neighbours above and below
    noise_p: float = 0.3
    noise_hu: tuple[float, float] = (5.0, 40.0)
    offset_hu: float = 25.0
    gamma_p: float = 0.3
    log_gamma: float = 0.3


STRENGTH = CubeStrength()


def cubes_of(data: LesionSet) -> list[tuple[NDArray[np.int16], NDArray[np.uint8]]]:
    """Return HU and nodule (slices, rows, columns) of each stack of a set, from the feet."""
    return [
        (
            np.stack([data.planes[int(at)].hu_yx for at in run]),
            np.stack([data.planes[int(at)].tumour_yx for at in run]),
        )
        for run in runs(data)
    ]


def drawn(
    cubes: Sequence[tuple[NDArray[np.int16], NDArray[np.uint8]]],
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    how: CubeStrength = STRENGTH,
) -> tuple[Tensor, Tensor]:
    """Draw one changed part of each cube.

    Parameters
    ----------
    shape : (slices, rows, columns) of what is drawn.

    Returns
    -------
    HU and nodule, both (N, 1, slices, rows, columns) float32, the nodule 0 and 1.
    """
    parts = [_part(hu, nodule, rng, shape, how) for hu, nodule in cubes]
    return torch.stack([hu for hu, _ in parts]), torch.stack([nodule for _, nodule in parts])


def _part(
    hu_zyx: NDArray[np.int16],
    nodule_zyx: NDArray[np.uint8],
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    how: CubeStrength,
) -> tuple[Tensor, Tensor]:
    both = torch.from_numpy(np.stack([hu_zyx, nodule_zyx]).astype(np.float32))[None]  # (1, 2, z, y, x)
    half = np.array(hu_zyx.shape[::-1]) / 2.0
    places_xyz = _middles(shape) @ _turn(rng, how).T + rng.uniform(-1.0, 1.0, 3) * np.array(how.shift_voxels)[::-1]
    grid = torch.from_numpy((places_xyz / half).astype(np.float32))[None]
    sampled = F.grid_sample(both, grid, padding_mode="border", align_corners=False)[0]  # (2, z, y, x)
    hu = _in_other_greys(_thickened(sampled[0], rng, how), rng, how)
    return hu[None], (sampled[1:] >= 0.5).float()


def _middles(shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """Return (x, y, z) of each voxel from the middle of all, (slices, rows, columns, 3)."""
    z, y, x = (np.arange(n) - (n - 1) / 2.0 for n in shape)
    return np.stack(np.broadcast_arrays(x, y[:, None], z[:, None, None]), -1)


def _turn(rng: np.random.Generator, how: CubeStrength) -> NDArray[np.float64]:
    """Return a matrix for (x, y, z): any angle about z, small ones about x and y, mirrored, scaled and stretched."""
    about_z = rng.uniform(-np.pi, np.pi)
    about_x, about_y = rng.normal(0.0, how.tilt_rad, 2)
    stretch = np.exp(rng.uniform(-how.log_scale, how.log_scale) + rng.normal(0.0, how.log_stretch, 3))
    turned = _rotation(about_z, 0, 1) @ _rotation(about_x, 1, 2) @ _rotation(about_y, 2, 0)
    return turned @ np.diag(rng.choice([-1.0, 1.0], 3) * stretch)


def _rotation(angle: float, a: int, b: int) -> NDArray[np.float64]:
    matrix = np.eye(3)
    matrix[a, a] = matrix[b, b] = np.cos(angle)
    matrix[a, b], matrix[b, a] = -np.sin(angle), np.sin(angle)
    return matrix


def _thickened(hu: Tensor, rng: np.random.Generator, how: CubeStrength) -> Tensor:
    """Mix each slice with those above and below, as thicker slices are."""
    if rng.random() >= how.thick_p:
        return hu
    share = rng.uniform(*how.thick_share)
    padded = torch.cat((hu[:1], hu, hu[-1:]))
    return (1.0 - 2.0 * share) * hu + share * (padded[:-2] + padded[2:])


def _in_other_greys(hu: Tensor, rng: np.random.Generator, how: CubeStrength) -> Tensor:
    if rng.random() < how.noise_p:
        grain = rng.normal(0.0, rng.uniform(*how.noise_hu), tuple(hu.shape)).astype(np.float32)
        hu = hu + torch.from_numpy(grain)
    hu = hu + float(rng.normal(0.0, how.offset_hu))
    if rng.random() < how.gamma_p:
        gamma = float(np.exp(rng.uniform(-how.log_gamma, how.log_gamma)))
        range_hu = CLIPPED_HU - AIR_HU
        hu = ((hu - AIR_HU) / range_hu).clamp(0.0, 1.0) ** gamma * range_hu + AIR_HU
    return hu.clamp(AIR_HU, CLIPPED_HU)
