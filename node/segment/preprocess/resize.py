"""Bring slices to the size a network takes, and its answer back to the slices' own grid."""

from torch import Tensor
from torch.nn import functional as F


def to_network(pictures: Tensor, size: int) -> Tensor:
    """Resize (N, C, H, W) to `size` x `size`: means of whole blocks where they divide, bilinear with antialias else."""
    h, w = pictures.shape[-2:]
    if (h, w) == (size, size):
        return pictures
    if h % size == 0 and w % size == 0:
        return F.avg_pool2d(pictures, (h // size, w // size))
    return F.interpolate(pictures, (size, size), mode="bilinear", antialias=True)


def from_network(logits: Tensor, shape_yx: tuple[int, int]) -> Tensor:
    """Resize logits (N, 1, h, w) to the slices' own grid, bilinear."""
    return logits if logits.shape[-2:] == shape_yx else F.interpolate(logits, shape_yx, mode="bilinear")
