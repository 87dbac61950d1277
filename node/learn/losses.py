"""The papers' losses, each from logits (N, 1, H, W) and a target of 0 and 1 of the same shape to one number.

P0, equations 11 to 13:   alpha BCE + (1 - alpha) Dice          alpha 0.5, BCE as a mean over pixels (decision)
P1, equations 9 to 12:    0.3 focal + 0.4 SSIM + 0.3 IoU        on the answer and on each supervised map, weight 1

Each takes the weight of every pixel, too (ours, see `protocol`); without it the equations are the papers'.
Sums are taken in single precision: half precision cannot hold the number of pixels of a picture.
"""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from node.segment.networks.logits import Logits

Loss = Callable[[Logits, Tensor, Tensor | None], Tensor]  # answer, target, weight

_SSIM_C1 = 0.01**2
_SSIM_C2 = 0.03**2
_SSIM_SIDE = 11
_SSIM_SIGMA = 1.5


def bce(logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Binary cross-entropy, mean over pixels (P0, equation 11)."""
    return _mean(F.binary_cross_entropy_with_logits(logits.float(), target.float(), reduction="none"), weight)


def dice(logits: Tensor, target: Tensor, weight: Tensor | None = None, epsilon: float = 1e-5) -> Tensor:
    """P0, equation 12: 1 - (2 sum(y p) + e) / (sum(y) + sum(p) + e), over the whole batch."""
    p, y = logits.float().sigmoid(), target.float()
    w = torch.ones_like(y) if weight is None else weight
    return 1.0 - (2.0 * (w * y * p).sum() + epsilon) / ((w * y).sum() + (w * p).sum() + epsilon)


def focal(
    logits: Tensor, target: Tensor, weight: Tensor | None = None, alpha: float = 0.25, gamma: float = 2.0
) -> Tensor:
    """P1, equation 9: -alpha (1-p)^gamma log p where y = 1, -(1-alpha) p^gamma log(1-p) where y = 0, mean."""
    x, y = logits.float(), target.float()
    p = x.sigmoid()
    on = alpha * (1.0 - p) ** gamma * F.logsigmoid(x)
    off = (1.0 - alpha) * p**gamma * F.logsigmoid(-x)
    return -_mean(y * on + (1.0 - y) * off, weight)


def ssim(logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """P1, equations 11 and 12: 1 - SSIM, the two brackets multiplied, Gaussian window of 11 x 11, sigma 1.5."""
    p, y = logits.float().sigmoid(), target.float()
    mean_p, mean_y = _blur(p), _blur(y)
    var_p = _blur(p * p) - mean_p**2
    var_y = _blur(y * y) - mean_y**2
    covariance = _blur(p * y) - mean_p * mean_y
    luminance = (2.0 * mean_p * mean_y + _SSIM_C1) / (mean_p**2 + mean_y**2 + _SSIM_C1)
    structure = (2.0 * covariance + _SSIM_C2) / (var_p + var_y + _SSIM_C2)
    edge = _SSIM_SIDE // 2
    inner = None if weight is None else weight[..., edge:-edge, edge:-edge]
    return 1.0 - _mean(luminance * structure, inner)


def iou(logits: Tensor, target: Tensor, weight: Tensor | None = None, epsilon: float = 1e-6) -> Tensor:
    """P1: 1 - sum(p y) / (sum(p) + sum(y) - sum(p y)), per picture, mean over pictures."""
    p, y = logits.float().sigmoid().flatten(1), target.float().flatten(1)
    w = torch.ones_like(y) if weight is None else weight.flatten(1)
    both = (w * p * y).sum(1)
    return (1.0 - (both + epsilon) / ((w * p).sum(1) + (w * y).sum(1) - both + epsilon)).mean()


def p0_loss(output: Logits, target: Tensor, weight: Tensor | None = None, alpha: float = 0.5) -> Tensor:
    """P0, equation 13; further maps, which two of the baselines have, are supervised with weight 1, as P1's are."""
    return sum(
        (
            alpha * bce(m, target, weight) + (1.0 - alpha) * dice(m, target, weight)
            for m in (output.main, *output.auxiliary)
        ),
        torch.zeros((), device=target.device),
    )


def p1_loss(
    output: Logits,
    target: Tensor,
    weight: Tensor | None = None,
    shares: tuple[float, float, float] = (0.3, 0.4, 0.3),
) -> Tensor:
    """P1, equation 10: focal, SSIM and IoU with these shares, summed over the answer and the supervised maps."""
    a, b, c = shares
    maps = (output.main, *output.auxiliary)
    return sum(
        (a * focal(m, target, weight) + b * ssim(m, target, weight) + c * iou(m, target, weight) for m in maps),
        torch.zeros((), device=target.device),
    )


def _mean(x: Tensor, weight: Tensor | None) -> Tensor:
    """Return the mean over pixels by their weight."""
    return x.mean() if weight is None else (weight * x).sum() / weight.sum()


def _blur(x: Tensor) -> Tensor:
    """Return Gaussian local means, only where the window fits; matrices cost a tenth of convolutions."""
    down, across = (_band(n).to(x.device) for n in x.shape[-2:])
    return down @ x @ across.T


@cache
def _band(n: int) -> Tensor:
    """Return the (n - 10, n) matrix whose rows hold the window's weights."""
    at = torch.arange(_SSIM_SIDE, dtype=torch.float32) - _SSIM_SIDE // 2
    line = torch.exp(-(at**2) / (2.0 * _SSIM_SIGMA**2))
    band = torch.zeros(n - _SSIM_SIDE + 1, n)
    for row in range(len(band)):
        band[row, row : row + _SSIM_SIDE] = line / line.sum()
    return band
