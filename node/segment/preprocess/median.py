"""Median filter over a square of odd side, edges repeated (P1; its paper gives no size, ours is 3)."""

from torch import Tensor
from torch.nn import functional as F


def median(pictures: Tensor, side: int = 3) -> Tensor:
    """Return the median of every pixel's square.

    Parameters
    ----------
    pictures : (N, C, H, W).
    side : pixels, odd.
    """
    n, c, h, w = pictures.shape
    margin = side // 2
    padded = F.pad(pictures, (margin,) * 4, mode="replicate")  # (N, C, H + 2m, W + 2m)
    squares = padded.unfold(2, side, 1).unfold(3, side, 1)  # (N, C, H, W, side, side)
    return squares.reshape(n, c, h, w, side * side).median(-1).values
