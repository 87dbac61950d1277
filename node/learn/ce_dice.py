"""P4's losses over runs of slices: alpha CE + gamma Dice (equations 3.11 to 3.13), and the abstract's Dice + focal.

alpha and gamma are 0.5 (decision). Dice is taken over a whole run with epsilon 1 above and below, then averaged over
runs; CE over the pixels of the slices that are there. Padded slices count nowhere.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from node.segment.networks.logits import Logits

_EPSILON = 1.0


def ce_dice(
    output: Logits, target: Tensor, valid: Tensor | None = None, alpha: float = 0.5, gamma: float = 0.5
) -> Tensor:
    """Return equation 3.13.

    Parameters
    ----------
    output, target : (B, T, 1, H, W), or (N, 1, H, W) for one run of N slices.
    valid : (B, T) bool, the slices that are there; None: all.
    """
    x, y, there = _runs(output.main, target, valid)
    cross_entropy = _mean(F.binary_cross_entropy_with_logits(x, y, reduction="none"), there)
    return alpha * cross_entropy + gamma * run_dice(output.main, target, valid)


def ce_alone(output: Logits, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return equation 3.11 alone: the loss of the first five rows of P4's ablation."""
    x, y, there = _runs(output.main, target, valid)
    return _mean(F.binary_cross_entropy_with_logits(x, y, reduction="none"), there)


def run_dice_focal(
    output: Logits, target: Tensor, valid: Tensor | None = None, alpha: float = 0.25, gamma: float = 2.0
) -> Tensor:
    """Return half Dice over runs and half focal loss, which abstract and discussion name without a formula."""
    x, y, there = _runs(output.main, target, valid)
    p = x.sigmoid()
    on = alpha * (1.0 - p) ** gamma * F.logsigmoid(x)
    off = (1.0 - alpha) * p**gamma * F.logsigmoid(-x)
    return 0.5 * _mean(-(y * on + (1.0 - y) * off), there) + 0.5 * run_dice(output.main, target, valid)


def run_dice(logits: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return equation 3.12: 1 - (2 sum(y p) + 1) / (sum(y) + sum(p) + 1) over each run, mean over runs."""
    x, y, there = _runs(logits, target, valid)
    p, y = (x.sigmoid() * there).flatten(1), (y * there).flatten(1)
    return (1.0 - (2.0 * (p * y).sum(1) + _EPSILON) / (p.sum(1) + y.sum(1) + _EPSILON)).mean()


def _runs(logits: Tensor, target: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits, target (B, T, 1, H, W) and which slices are there (B, T, 1, 1, 1), in single precision."""
    x, y = (t[None] if t.ndim == 4 else t for t in (logits.float(), target.float()))
    there = torch.ones(x.shape[:2], device=x.device) if valid is None else valid.float()
    return x, y, there[:, :, None, None, None]


def _mean(values: Tensor, there: Tensor) -> Tensor:
    """Return the mean over the pixels of the slices that are there."""
    return (values * there).sum() / (there.sum() * values[0, 0].numel())
