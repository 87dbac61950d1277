"""Masses drawn into the lungs of training slices, so that both definitions see tumours of every size and place.

Ours, for every network and baseline of the lungs alike: the sets hold few masses, fewer against the mediastinum, and a
network that hardly meets one learns to follow the air. A mass is a wavy ellipse of soft tissue or ground glass inside
the outlined lung; its pixels become tumour (id 2), which P0 leaves out and P1 keeps.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

_LUNG, _TUMOUR = 1, 2
_HARMONICS = range(2, 6)


@dataclass(frozen=True, slots=True)
class MassPlan:
    """How often, how large and how dense; uniform between two values, the radius by its logarithm."""

    p: float = 0.4  # of a slice with lung
    radius_low_px: float = 2.0
    radius_high_px: float = 40.0
    at_border_p: float = 0.6  # centred near the outline: pleura, mediastinum, diaphragm
    border_px: int = 9
    waves_frac: float = 0.12
    solid_p: float = 0.85
    solid_hu: tuple[float, float] = (-20.0, 70.0)
    subsolid_hu: tuple[float, float] = (-550.0, -100.0)
    texture_hu: float = 15.0
    edge_px: float = 0.6  # over which it fades out


def with_masses(hu: Tensor, ids: Tensor, rng: np.random.Generator, plan: MassPlan) -> tuple[Tensor, Tensor]:
    """Draw a mass into some of the slices.

    Parameters
    ----------
    hu : (N, 1, H, W) float32, HU.
    ids : (N, 1, H, W) uint8, see `truth`; slices whose ids say only 0 and 255 stay as they are.
    rng : where every draw comes from.
    """
    hu, ids = hu.clone(), ids.clone()
    for i in range(len(hu)):
        if rng.random() < plan.p and bool((ids[i, 0] == _LUNG).any()):
            _draw(hu[i, 0], ids[i, 0], rng, plan)
    return hu, ids


def _draw(hu_yx: Tensor, ids_yx: Tensor, rng: np.random.Generator, plan: MassPlan) -> None:
    """Draw one mass into one slice, in place."""
    lung_yx = ids_yx == _LUNG
    y, x = _centre(lung_yx, rng, plan)
    share_yx = torch.from_numpy(_shape(hu_yx.shape, y, x, rng, plan)) * lung_yx
    low, high = plan.solid_hu if rng.random() < plan.solid_p else plan.subsolid_hu
    coarse = rng.standard_normal((1, 1, *(max(n // 8, 1) for n in hu_yx.shape)), dtype=np.float32)
    texture_yx = F.interpolate(torch.from_numpy(coarse), hu_yx.shape, mode="bilinear")[0, 0] * plan.texture_hu
    tissue_yx = rng.uniform(low, high) + texture_yx
    # Never darker than what is there: vessels stay visible in ground glass.
    hu_yx += share_yx * (tissue_yx - hu_yx).clamp(min=0.0)
    ids_yx[share_yx > 0.5] = _TUMOUR


def _centre(lung_yx: Tensor, rng: np.random.Generator, plan: MassPlan) -> tuple[int, int]:
    """Draw a lung pixel, often one near the outline."""
    where_yx = lung_yx
    if rng.random() < plan.at_border_p:
        outside = (~lung_yx).float()[None, None]
        near = F.max_pool2d(outside, 2 * plan.border_px + 1, stride=1, padding=plan.border_px)[0, 0] > 0
        where_yx = lung_yx & near
    pixels = where_yx.nonzero()
    y, x = pixels[int(rng.integers(len(pixels)))].tolist()
    return y, x


def _shape(shape: torch.Size, y: int, x: int, rng: np.random.Generator, plan: MassPlan) -> NDArray[np.float32]:
    """Return how much of each pixel the mass fills: 1 inside, 0 outside."""
    down, across = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    turn = rng.uniform(0.0, np.pi)
    stretch = rng.uniform(1.0, 1.5)
    cos, sin = float(np.cos(turn)), float(np.sin(turn))  # plain numbers keep the arrays in single precision
    u = ((across - x) * cos + (down - y) * sin) / stretch
    v = (down - y) * cos - (across - x) * sin
    radius = float(np.exp(rng.uniform(np.log(plan.radius_low_px), np.log(plan.radius_high_px))))
    angle = np.arctan2(v, u)
    border = np.full_like(angle, radius)
    for n in _HARMONICS:
        border += radius * rng.uniform(-plan.waves_frac, plan.waves_frac) * np.cos(n * angle + rng.uniform(0.0, 6.28))
    beyond_px = np.clip((np.hypot(u, v) - border) / plan.edge_px, -30.0, 30.0)
    share: NDArray[np.float32] = (1.0 / (1.0 + np.exp(beyond_px))).astype(np.float32)
    return share
