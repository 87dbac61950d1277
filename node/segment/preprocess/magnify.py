"""A picture shown to a network several times as large, and its answer brought back: small things have more pixels."""

from torch import Tensor
from torch.nn import functional as F


def magnified(pictures: Tensor, times: int) -> Tensor:
    """Return pictures (N, C, H, W) of any unit as (N, C, times H, times W), bilinear between the pixels' middles."""
    if times == 1:
        return pictures
    return F.interpolate(pictures, scale_factor=times, mode="bilinear", align_corners=False)


def brought_back(answer: Tensor, times: int) -> Tensor:
    """Return an answer (N, C, times H, times W) as (N, C, H, W): each pixel the mean of its parts."""
    return answer if times == 1 else F.avg_pool2d(answer, times)
