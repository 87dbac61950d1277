"""U-Net (Ronneberger et al. 2015), the baseline of all five papers: same padding, batch normalisation.

    x ─ down 1 ─ down 2 ─ ... ─ bottom
          └ concatenated ┴ ... up ┘

`width` is that of the first level (64 in the original), doubled at each of `depth` poolings (4 in the original).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from node.segment.networks.logits import Logits


class DoubleConv(nn.Sequential):
    """Two 3 x 3 convolutions, each with batch normalisation and ReLU."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(c_out, c_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU(inplace=True),
        )


class Up(nn.Module):
    """A 2 x 2 transposed convolution, the skip concatenated, two convolutions."""

    def __init__(self, c_below: int, c_skip: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(c_below, c_skip, 2, stride=2)
        self.conv = DoubleConv(2 * c_skip, c_skip)

    def forward(self, below: Tensor, skip: Tensor) -> Tensor:  # below (N, 2C, H/2, W/2)   skip (N, C, H, W)
        x = self.up(below)[..., : skip.shape[-2], : skip.shape[-1]]  # (N, C, H, W)
        y: Tensor = self.conv(torch.cat((skip, x), 1))
        return y  # (N, C, H, W)


class UNet(nn.Module):
    """The whole of the figure above."""

    def __init__(self, channels: int = 1, width: int = 64, depth: int = 4) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        self.down = nn.ModuleList(DoubleConv(a, b) for a, b in zip([channels, *widths], widths, strict=False))
        self.up = nn.ModuleList(Up(widths[level + 1], widths[level]) for level in reversed(range(depth)))
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Logits:  # (N, channels, H, W)
        levels = [self.down[0](x)]  # (N, 64, H, W)
        for stage in list(self.down)[1:]:
            levels.append(stage(F.max_pool2d(levels[-1], 2, ceil_mode=True)))  # (N, 64 * 2^k, H/2^k, W/2^k)
        x = levels.pop()
        for stage in self.up:
            x = stage(x, levels.pop())  # (N, 64 * 2^k, H/2^k, W/2^k)
        return Logits(self.head(x))  # (N, 1, H, W)


NETWORK = UNet
ALGORITHM = "unet/1"  # raise it when other weights are needed
