"""A loss that is no number ends a training: what follows would be learnt from nothing, and look like a result."""

import torch
from torch import Tensor

from node.errors import InputRefused


def refuse_not_finite(loss: Tensor, epoch: int) -> None:
    """Look at the loss of one step.

    Raises
    ------
    InputRefused
        LOSS-NAN where it is infinite or no number.
    """
    if not bool(torch.isfinite(loss.detach())):
        raise InputRefused(
            "LOSS-NAN", f"the loss of epoch {epoch} is {float(loss.detach())}; give --precision fp32 or a lower --lr"
        )
