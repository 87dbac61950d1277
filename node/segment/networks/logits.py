"""What a network returns: logits at the size of its input, and the maps that are supervised in training only."""

from typing import NamedTuple

from torch import Tensor


class Logits(NamedTuple):
    """`main` (N, 1, H, W) is the answer; `auxiliary` holds maps of the same shape, empty outside training."""

    main: Tensor
    auxiliary: tuple[Tensor, ...] = ()
