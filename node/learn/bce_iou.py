"""P3's losses: BCE + IoU, 1 : 1 with epsilon 1 (decisions), BCE alone for its first phase, BCE + Dice to compare.

    IoU loss = 1 - (sum(y p) + e) / (sum(y) + sum(p) - sum(y p) + e)     per picture, mean over pictures

With epsilon 1 an empty picture with an empty answer costs nothing, and one with false marks costs nearly 1, be they few
or many: past the first mark it hardly pulls, and a network that marks something in every picture loses little. Over the
pictures of a step together each false mark costs the same.
"""

from torch import Tensor

from node.learn.losses import bce, dice, iou
from node.segment.networks.logits import Logits

_EPSILON = 1.0


def bce_iou(output: Logits, target: Tensor) -> Tensor:
    """Return the composite loss of phases 2 and 3 from logits (N, 1, H, W) and a target of the same shape."""
    return bce(output.main, target) + iou(output.main, target, epsilon=_EPSILON)


def bce_iou_of_step(output: Logits, target: Tensor) -> Tensor:
    """Return the same with the sums of IoU over all pictures of a step."""
    as_one = (1, 1, -1, target.shape[-1])
    return bce(output.main, target) + iou(output.main.reshape(as_one), target.reshape(as_one), epsilon=_EPSILON)


def bce_alone(output: Logits, target: Tensor) -> Tensor:
    """Return the loss of phase 1."""
    return bce(output.main, target)


def bce_dice(output: Logits, target: Tensor) -> Tensor:
    """Return BCE + Dice, "against imbalance" in one of the paper's tables."""
    return bce(output.main, target) + dice(output.main, target, epsilon=_EPSILON)
