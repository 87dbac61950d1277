"""P3's way with small tumours: a native slice in overlapping tiles, whose logits are averaged."""

from collections.abc import Callable

import torch
from torch import Tensor

from node.segment.preprocess.resize import from_network, to_network

SIDE_PX = 256
STRIDE_PX = 128


def whole_and_tiled(network: Callable[[Tensor], Tensor], pictures: Tensor) -> Tensor:
    """Return logits (N, 1, H, W): of a large slice the mean of its tiles' and of the whole slice reduced to 256.

    A slice of at most 256 x 256 goes through the network as it is.
    """
    h, w = pictures.shape[-2:]
    if max(h, w) <= SIDE_PX:
        return network(pictures)
    whole = from_network(network(to_network(pictures, SIDE_PX)).float(), (h, w))
    return (tiled(network, pictures) + whole) / 2.0


def tiled(
    network: Callable[[Tensor], Tensor], pictures: Tensor, side: int = SIDE_PX, stride: int = STRIDE_PX
) -> Tensor:
    """Return the logits (N, 1, H, W) of pictures (N, C, H, W), each pixel the mean of the tiles that hold it."""
    h, w = pictures.shape[-2:]
    total = torch.zeros((len(pictures), 1, h, w), device=pictures.device)
    n = torch.zeros((h, w), device=pictures.device)
    for top in _starts(h, side, stride):
        for left in _starts(w, side, stride):
            rows, columns = slice(top, top + side), slice(left, left + side)
            total[..., rows, columns] += network(pictures[..., rows, columns]).float()
            n[rows, columns] += 1.0
    return total / n


def _starts(n: int, side: int, stride: int) -> list[int]:
    """Return where tiles begin; the last one ends with the picture."""
    last = max(n - side, 0)
    return sorted({*range(0, last + 1, stride), last})
