"""An exponential moving average of a network's weights, which is what is validated and kept.

P3 says "weights updated exponentially"; 0.999 is our decision. Early on the average follows faster, (1 + n) / (10 + n)
after n steps, or the random start would stay in it for a thousand steps.
"""

from copy import deepcopy

import torch
from torch import nn


class Average:
    """Holds the averaged copy of a network."""

    def __init__(self, model: nn.Module, decay: float = 0.999) -> None:
        self.model = deepcopy(model).eval().requires_grad_(requires_grad=False)
        self.decay = decay
        self.n_steps = 0

    def update(self, model: nn.Module) -> None:
        """Move the average towards the weights after one step; counters are copied."""
        keep = min(self.decay, (1.0 + self.n_steps) / (10.0 + self.n_steps))
        self.n_steps += 1
        with torch.no_grad():
            for ours, theirs in zip(self.model.state_dict().values(), model.state_dict().values(), strict=True):
                if ours.is_floating_point():
                    ours.lerp_(theirs.detach(), 1.0 - keep)
                else:
                    ours.copy_(theirs)
