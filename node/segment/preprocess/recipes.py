"""Each system's chain from Hounsfield units to what its network is given, in the paper's order.

P0: window (eq. 10), after histogram matching where a series needs it. P1: window, median, dynamic threshold (eq. 13);
artefact removal comes first here, because air is a value in HU. Baselines take P0's window, so that a comparison
compares networks. P1 with `window` and without artefact removal is its ablation row.
"""

from collections.abc import Callable
from typing import Final

from torch import Tensor

from node.segment.preprocess.dynamic_threshold import dynamic_threshold
from node.segment.preprocess.median import median
from node.segment.preprocess.window import window

Recipe = Callable[[Tensor], Tensor]  # HU (N, 1, H, W) to 0 ... 1 of the same shape


def p1(hu: Tensor) -> Tensor:
    """P1: normalise, median filter, dynamic threshold."""
    return dynamic_threshold(median(window(hu)))


RECIPES: Final[dict[str, Recipe]] = {"window": window, "p1": p1}
BODY_ONLY: Final = frozenset({"p1"})  # those that begin with artefact removal
