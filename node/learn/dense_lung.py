"""Dense lung drawn into training slices: ground glass, consolidation and atelectasis are lung, and no tumour.

Ours, for every network and baseline of the lungs alike: the rule that made the labels loses lung that is denser than
its border, behind a mass or at the back of a patient who lies, and rows with much of it were dropped. Here lung is
lifted towards tissue where a rule has still seen it as lung, and its label stays what it was.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from node.learn.drawn_shapes import place_in, wavy_ellipse

_LUNG = 1


@dataclass(frozen=True, slots=True)
class DensePlan:
    """How often, how large and how dense; uniform between two values, the radius by its logarithm."""

    p: float = 0.3  # of a slice with lung
    radii_px: tuple[float, float] = (8.0, 60.0)
    at_border_p: float = 0.7  # most of it lies against the pleura or the mediastinum
    border_px: int = 9
    waves_frac: float = 0.2
    edge_px: tuple[float, float] = (0.6, 8.0)  # over which it fades out: an atelectasis is sharp, oedema is not
    target_hu: tuple[float, float] = (-300.0, -80.0)  # darker than a solid mass
    filled_frac: tuple[float, float] = (0.4, 0.95)  # of the way from what is there to the target


def with_dense_lung(hu: Tensor, ids: Tensor, rng: np.random.Generator, plan: DensePlan) -> Tensor:
    """Lift part of the lung in some of the slices, and return the pictures; what is lung stays lung.

    Parameters
    ----------
    hu : (N, channels, H, W) float32, HU.
    ids : (N, 1, H, W) uint8, see `truth`; only pixels of id 1 are lifted.
    rng : where every draw comes from.
    """
    hu = hu.clone()
    for i in range(len(hu)):
        lung_yx = ids[i, 0] == _LUNG
        if rng.random() < plan.p and bool(lung_yx.any()):
            place = place_in(lung_yx, rng, plan.at_border_p, plan.border_px)
            edge_px = rng.uniform(*plan.edge_px)
            share_yx = wavy_ellipse(lung_yx.shape, place, plan.radii_px, plan.waves_frac, edge_px, rng)
            lift_yx = torch.from_numpy(share_yx) * lung_yx * rng.uniform(*plan.filled_frac)
            # Never darker than what is there: vessels and the walls of bronchi stay.
            hu[i] += lift_yx * (rng.uniform(*plan.target_hu) - hu[i]).clamp(min=0.0)
    return hu
