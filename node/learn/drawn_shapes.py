"""Where and in which form something is drawn into a training slice: a place in the lung, a wavy ellipse."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

_HARMONICS = range(2, 6)


def place_in(lung_yx: Tensor, rng: np.random.Generator, at_border_p: float, border_px: int) -> tuple[int, int]:
    """Draw a lung pixel (y, x), with the odds `at_border_p` one within `border_px` of the outline."""
    where_yx = lung_yx
    if rng.random() < at_border_p:
        outside = (~lung_yx).float()[None, None]
        near = F.max_pool2d(outside, 2 * border_px + 1, stride=1, padding=border_px)[0, 0] > 0
        where_yx = lung_yx & near
    pixels = where_yx.nonzero()
    y, x = pixels[int(rng.integers(len(pixels)))].tolist()
    return y, x


def wavy_ellipse(
    shape: torch.Size, place: tuple[int, int], radii_px: tuple[float, float], waves_frac: float, edge_px: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:  # fmt: skip
    """Return how much of each pixel is filled, 1 inside and 0 outside, fading over `edge_px`.

    Parameters
    ----------
    shape : rows and columns.
    place : y, x of the middle.
    radii_px : smallest and largest mean radius; drawn uniformly by its logarithm.
    waves_frac : how far the border wanders, as a share of the radius.
    """
    down, across = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    turn = rng.uniform(0.0, np.pi)
    stretch = rng.uniform(1.0, 1.5)
    cos, sin = float(np.cos(turn)), float(np.sin(turn))  # plain numbers keep the arrays in single precision
    u = ((across - place[1]) * cos + (down - place[0]) * sin) / stretch
    v = (down - place[0]) * cos - (across - place[1]) * sin
    radius = float(np.exp(rng.uniform(np.log(radii_px[0]), np.log(radii_px[1]))))
    angle = np.arctan2(v, u)
    border = np.full_like(angle, radius)
    for n in _HARMONICS:
        border += radius * rng.uniform(-waves_frac, waves_frac) * np.cos(n * angle + rng.uniform(0.0, 6.28))
    beyond_px = np.clip((np.hypot(u, v) - border) / edge_px, -30.0, 30.0)
    share: NDArray[np.float32] = (1.0 / (1.0 + np.exp(beyond_px))).astype(np.float32)
    return share
