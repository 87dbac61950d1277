"""The loss of networks of whole cubes: BCE + Dice of each cube, the half as fine map beside the answer. Ours.

A nodule fills a hundredth of its cube: BCE as a mean over voxels weighs five times, Dice is that of a cube, so that a
small nodule counts as a large one.
"""

import torch
from torch import Tensor

from node.learn.losses import bce
from node.segment.networks.logits import Logits

_BCE = 5.0
_HALF = 0.4  # of the map that is half as fine
_EPSILON = 1.0


def cube_bce_dice(output: Logits, target: Tensor) -> Tensor:
    """Return the loss from logits (N, 1, D, H, W) and a target of the same shape."""
    shares = (1.0, *[_HALF] * len(output.auxiliary))
    maps = (output.main, *output.auxiliary)
    terms = (share * (_BCE * bce(m, target) + _dice(m, target)) for share, m in zip(shares, maps, strict=True))
    return sum(terms, torch.zeros((), device=target.device))


def _dice(logits: Tensor, target: Tensor) -> Tensor:
    """1 - (2 sum(y p) + e) / (sum(y) + sum(p) + e) of each cube, mean over cubes."""
    p, y = logits.float().sigmoid().flatten(1), target.float().flatten(1)
    return (1.0 - (2.0 * (y * p).sum(1) + _EPSILON) / (y.sum(1) + p.sum(1) + _EPSILON)).mean()
