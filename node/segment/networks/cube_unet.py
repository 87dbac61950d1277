"""A residual 3D U-Net over a cube round a nodule: ours, after nnU-Net's shape; no paper's.

    x ─ block 1 ─ block 2 ─ block 3 ─ bottom          each half as fine as the one before
          └ concatenated ┴ ... up ┴ head
                         └ half as fine: a supervised map

`width` is that of the first level; it doubles at each of `depth` poolings, and grows no more than sixfold. Instance
normalisation, since a step holds four cubes.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from node.segment.networks.logits import Logits

_WIDEST = 6  # times the width of the first level
_SLOPE = 0.01


class ResidualBlock(nn.Module):
    """Two 3 x 3 x 3 convolutions with instance normalisation, and past them what came in."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(c_in, c_out, 3, padding=1, bias=False)
        self.norm1 = nn.InstanceNorm3d(c_out, affine=True)
        self.conv2 = nn.Conv3d(c_out, c_out, 3, padding=1, bias=False)
        self.norm2 = nn.InstanceNorm3d(c_out, affine=True)
        self.past = nn.Conv3d(c_in, c_out, 1)

    def forward(self, x: Tensor) -> Tensor:  # (N, c_in, D, H, W)
        y = F.leaky_relu(self.norm1(self.conv1(x)), _SLOPE)
        return F.leaky_relu(self.norm2(self.conv2(y)) + self.past(x), _SLOPE)  # (N, c_out, D, H, W)


class CubeUNet(nn.Module):
    """The whole of the figure above."""

    def __init__(self, channels: int = 1, width: int = 32, depth: int = 3) -> None:
        super().__init__()
        widths = [width * min(2**level, _WIDEST) for level in range(depth + 1)]
        self.down = nn.ModuleList(ResidualBlock(a, b) for a, b in zip([channels, *widths], widths, strict=False))
        self.up = nn.ModuleList(
            ResidualBlock(widths[level] + widths[level + 1], widths[level]) for level in reversed(range(depth))
        )
        self.supervised = nn.Conv3d(widths[1], 1, 1)
        self.head = nn.Conv3d(width, 1, 1)

    def forward(self, x: Tensor) -> Logits:  # (N, channels, D, H, W); (N, channels, H, W) is a cube of one slice
        if x.ndim == 4:
            flat = self.forward(x[:, :, None])
            return Logits(flat.main[:, :, 0], tuple(m[:, :, 0] for m in flat.auxiliary))
        levels = [self.down[0](x)]  # (N, width, D, H, W)
        for block in list(self.down)[1:]:
            levels.append(block(F.max_pool3d(levels[-1], 2, ceil_mode=True)))  # (N, 2^k width, D/2^k, H/2^k, W/2^k)
        x = levels.pop()
        coarse = x
        for block in self.up:
            coarse, skip = x, levels.pop()
            x = block(torch.cat((skip, _as_fine_as(x, skip)), 1))  # (N, 2^k width, D/2^k, H/2^k, W/2^k)
        answer = self.head(x)  # (N, 1, D, H, W)
        return Logits(answer, (_as_fine_as(self.supervised(coarse), answer),) if self.training else ())


def _as_fine_as(x: Tensor, other: Tensor) -> Tensor:
    return F.interpolate(x, size=other.shape[2:], mode="trilinear", align_corners=False)


NETWORK = CubeUNet
ALGORITHM = "cube-unet/1"  # raise it when other weights are needed
