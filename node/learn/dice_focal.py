"""P2's loss, equations 7 to 9: lambda Dice + (1 - lambda) focal.

The printed focal loss has no term for the background and would be least at p = 1 everywhere; p is read as p_t and
alpha as alpha_t, alpha on the tumour and 1 - alpha elsewhere, with the mean for the sum: P1's focal loss. lambda and
alpha are not stated; 0.25 weighs the rare tumour down, so 0.75 is the default, and both are rows of the ablation.
"""

from torch import Tensor

from node.learn.losses import dice, focal
from node.segment.networks.logits import Logits


def dice_focal(output: Logits, target: Tensor, lam: float = 0.5, alpha: float = 0.75, gamma: float = 2.0) -> Tensor:
    """Return equation 7 from logits (N, 1, H, W) and a target of 0 and 1 of the same shape."""
    return lam * dice(output.main, target) + (1.0 - lam) * focal(output.main, target, None, alpha, gamma)


def dice_alone(output: Logits, target: Tensor) -> Tensor:
    """Return equation 8: the loss of P2's own baseline, a U-Net on Dice alone."""
    return dice(output.main, target)


def focal_alone(output: Logits, target: Tensor, alpha: float = 0.75, gamma: float = 2.0) -> Tensor:
    """Return equation 9 alone, the other row of the loss ablation."""
    return focal(output.main, target, None, alpha, gamma)
