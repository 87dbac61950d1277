"""Masses drawn into the lungs of training slices, so that both definitions see tumours of every size and place.

Ours, for every network and baseline of the lungs alike: the sets hold few masses, fewer against the mediastinum, and a
network that hardly meets one learns to follow the air. A mass is a wavy ellipse of soft tissue or ground glass inside
the outlined lung; its pixels become tumour (id 2), which P0 leaves out and P1 keeps.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from node.learn.drawn_shapes import place_in, wavy_ellipse

_LUNG, _TUMOUR = 1, 2


@dataclass(frozen=True, slots=True)
class MassPlan:
    """How often, how large and how dense; uniform between two values, the radius by its logarithm."""

    p: float = 0.4  # of a slice with lung
    radii_px: tuple[float, float] = (2.0, 40.0)
    subsolid_radii_px: tuple[float, float] = (2.0, 12.0)  # larger ground glass is lung: `dense_lung`
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
    hu : (N, channels, H, W) float32, HU; a mass goes through all channels.
    ids : (N, 1, H, W) uint8, see `truth`; slices whose ids say only 0 and 255 stay as they are.
    rng : where every draw comes from.
    """
    hu, ids = hu.clone(), ids.clone()
    for i in range(len(hu)):
        if rng.random() < plan.p and bool((ids[i, 0] == _LUNG).any()):
            _draw(hu[i], ids[i, 0], rng, plan)
    return hu, ids


def _draw(hu_cyx: Tensor, ids_yx: Tensor, rng: np.random.Generator, plan: MassPlan) -> None:
    """Draw one mass into one slice, in place."""
    lung_yx = ids_yx == _LUNG
    solid = rng.random() < plan.solid_p
    low, high = plan.solid_hu if solid else plan.subsolid_hu
    place = place_in(lung_yx, rng, plan.at_border_p, plan.border_px)
    radii_px = plan.radii_px if solid else plan.subsolid_radii_px
    share_yx = (
        torch.from_numpy(wavy_ellipse(ids_yx.shape, place, radii_px, plan.waves_frac, plan.edge_px, rng)) * lung_yx
    )
    coarse = rng.standard_normal((1, 1, *(max(n // 8, 1) for n in ids_yx.shape)), dtype=np.float32)
    texture_yx = F.interpolate(torch.from_numpy(coarse), ids_yx.shape, mode="bilinear")[0, 0] * plan.texture_hu
    tissue_yx = rng.uniform(low, high) + texture_yx
    # Never darker than what is there: vessels stay visible in ground glass.
    hu_cyx += share_yx * (tissue_yx - hu_cyx).clamp(min=0.0)
    ids_yx[share_yx > 0.5] = _TUMOUR
