"""Augmentation on the fly: geometric, elastic, intensity and crop (P0 names them without strengths; these are ours).

The common set of the reduced protocol, for every network and baseline alike. Everything is drawn from the generator
that is handed in, so that an epoch can be repeated exactly.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from node.learn.dense_lung import DensePlan, with_dense_lung
from node.learn.masses import MassPlan, with_masses

_AIR_HU = -1024.0


@dataclass(frozen=True, slots=True)
class Strength:
    """How far each change goes; uniform between minus and plus, or low and high."""

    rotate_deg: float = 15.0
    zoom_low: float = 0.6  # pixels of the sets differ by a factor of 1.7, large fields of view by more
    zoom_high: float = 1.3  # above 1 crops
    shift_frac: float = 0.1
    flip_p: float = 0.5  # left and right
    upside_down_p: float = 0.1  # prone patients
    elastic_px: float = 6.0
    elastic_grid: int = 6
    gain_frac: float = 0.05
    shift_hu: float = 25.0
    noise_hu: float = 40.0
    blur_p: float = 0.25


def augment(
    hu: Tensor, ids: Tensor, rng: np.random.Generator, strength: Strength = Strength(),
    dense: DensePlan | None = None, masses: MassPlan | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Change pictures and masks together.

    Parameters
    ----------
    hu : (N, channels, H, W) float32, HU.
    ids : (N, 1, H, W) uint8.
    rng : where every draw comes from.
    dense : which dense lung is drawn, before the masses; only for ids that tell lungs.
    masses : which masses are drawn into lungs; only for ids that tell lungs, and never for tumours' own masks.

    Returns
    -------
    The changed pictures and masks; what came in from outside the picture is air and 0.
    """
    grid = _grid(hu.shape, rng, strength).to(hu.device)  # (N, H, W, 2)
    moved = F.grid_sample(hu - _AIR_HU, grid, mode="bilinear", align_corners=False) + _AIR_HU
    masks = F.grid_sample(ids.float(), grid, mode="nearest", align_corners=False).to(torch.uint8)
    if dense is not None:
        moved = with_dense_lung(moved, masks, rng, dense)
    if masses is not None:
        moved, masks = with_masses(moved, masks, rng, masses)
    return _intensity(moved, rng, strength), masks


def _grid(shape: torch.Size, rng: np.random.Generator, s: Strength) -> Tensor:
    """Return where each pixel comes from, in the units of `grid_sample`."""
    n, _, h, w = shape
    angle = np.deg2rad(rng.uniform(-s.rotate_deg, s.rotate_deg, n))
    zoom = rng.uniform(s.zoom_low, s.zoom_high, n)
    flip_x = np.where(rng.random(n) < s.flip_p, -1.0, 1.0)
    flip_y = np.where(rng.random(n) < s.upside_down_p, -1.0, 1.0)
    shift = rng.uniform(-2 * s.shift_frac, 2 * s.shift_frac, (n, 2))
    matrix = np.empty((n, 2, 3), np.float32)
    matrix[:, 0] = np.stack((np.cos(angle) * flip_x / zoom, -np.sin(angle) * flip_y / zoom, shift[:, 0]), 1)
    matrix[:, 1] = np.stack((np.sin(angle) * flip_x / zoom, np.cos(angle) * flip_y / zoom, shift[:, 1]), 1)
    affine = F.affine_grid(torch.from_numpy(matrix), [n, 1, h, w], align_corners=False)  # (N, H, W, 2)
    knots = rng.uniform(-1.0, 1.0, (n, 2, s.elastic_grid, s.elastic_grid)).astype(np.float32)
    knots *= (2.0 * s.elastic_px / h) * rng.random((n, 1, 1, 1)).astype(np.float32)
    elastic = F.interpolate(torch.from_numpy(knots), (h, w), mode="bicubic")  # (N, 2, H, W)
    return affine + elastic.permute(0, 2, 3, 1)


def _intensity(hu: Tensor, rng: np.random.Generator, s: Strength) -> Tensor:
    """Change gain, offset, sharpness and noise; the gain turns about air, which every scanner calls the same."""
    n = len(hu)

    def draw(low: float, high: float) -> Tensor:
        return torch.from_numpy(rng.uniform(low, high, (n, 1, 1, 1)).astype(np.float32)).to(hu.device)

    soft = F.avg_pool2d(F.pad(hu, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    hu = torch.where(draw(0.0, 1.0) < s.blur_p, soft, hu)
    hu = (hu - _AIR_HU) * (1.0 + draw(-s.gain_frac, s.gain_frac)) + _AIR_HU + draw(-s.shift_hu, s.shift_hu)
    noise = torch.from_numpy(rng.standard_normal(tuple(hu.shape), dtype=np.float32)).to(hu.device)
    return hu + noise * draw(0.0, 1.0) ** 2 * s.noise_hu
