"""From Hounsfield units to what a tumour network is given; every neighbouring slice is treated alike.

zscore    P2: clip to -1000 ... 400 HU, less the training rows' mean, over their standard deviation
scan      P2's switch: the same with the picture's own mean and standard deviation
windows   P3: lung window (-600 / 1500; the paper prints 600) and body window (40 / 400) as two channels, 0 ... 1
unit      P4: -1000 ... 400 HU to 0 ... 1
"""

from collections.abc import Callable

import torch
from torch import Tensor

from node.errors import Misconfigured
from node.segment.preprocess.window import HIGH_HU, LOW_HU, window

LUNG_HU = (-1350.0, 150.0)
BODY_HU = (-160.0, 240.0)
N_WINDOWS = {"zscore": 1, "scan": 1, "windows": 2, "unit": 1}

Prepare = Callable[[Tensor], Tensor]  # HU (N, C, H, W) to (N, C or 2 C, H, W), cubes (N, 1, D, H, W) alike


def recipe(name: str, mean_hu: float = 0.0, sd_hu: float = 1.0) -> Prepare:
    """Return a recipe by name; mean and deviation are those of the training rows.

    Raises
    ------
    Misconfigured
        SYS-MODEL for an unknown name.
    """
    recipes: dict[str, Prepare] = {
        "zscore": lambda hu: (hu.clamp(LOW_HU, HIGH_HU) - mean_hu) / sd_hu,
        "scan": _by_itself,
        "windows": lambda hu: torch.cat((window(hu, *LUNG_HU), window(hu, *BODY_HU)), 1),
        "unit": window,
    }
    if name not in recipes:
        raise Misconfigured("SYS-MODEL", f"recipe {name!r} is none of {', '.join(recipes)}")
    return recipes[name]


def _by_itself(hu: Tensor) -> Tensor:
    """Return the z-score of each picture by its own mean and deviation."""
    clipped = hu.clamp(LOW_HU, HIGH_HU)
    own = tuple(range(1, hu.ndim))
    return (clipped - clipped.mean(own, keepdim=True)) / clipped.std(own, keepdim=True).clamp_min(1.0)
