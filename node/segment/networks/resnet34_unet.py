"""ResNet-34 U-Net, of P1's own comparison: residual encoder, U-Net decoder of widths 256-128-64-64-32.

`width` is that of the encoder's stem (64); untrained at first, as no pretrained weights are to be had.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from node.segment.networks.logits import Logits
from node.segment.networks.resnet import Basic, ResNet


class Up(nn.Module):
    """Bilinear to the skip's size, concatenated, two convolutions."""

    def __init__(self, c_below: int, c_skip: int, c_out: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(c_below + c_skip, c_out, 3, padding=1, bias=False)
        self.norm_1 = nn.BatchNorm2d(c_out)
        self.conv_2 = nn.Conv2d(c_out, c_out, 3, padding=1, bias=False)
        self.norm_2 = nn.BatchNorm2d(c_out)

    def forward(self, below: Tensor, skip: Tensor) -> Tensor:
        x = torch.cat((F.interpolate(below, skip.shape[-2:], mode="bilinear"), skip), 1)
        x = F.relu(self.norm_1(self.conv_1(x)))
        return F.relu(self.norm_2(self.conv_2(x)))


class ResNet34UNet(nn.Module):
    """The whole."""

    def __init__(self, channels: int = 1, width: int = 64) -> None:
        super().__init__()
        self.encoder = ResNet(Basic, channels, width, dilated=False)
        f = width
        self.up = nn.ModuleList((Up(8 * f, 4 * f, 4 * f), Up(4 * f, 2 * f, 2 * f), Up(2 * f, f, f), Up(f, f, f)))
        self.last = Up(f, channels, max(f // 2, 1))
        self.head = nn.Conv2d(max(f // 2, 1), 1, 1)

    def forward(self, x: Tensor) -> Logits:  # (N, channels, H, W)
        *skips, y = self.encoder.maps(x)  # (N, 8F, H/32, W/32)
        for up in self.up:
            y = up(y, skips.pop())  # (N, kF, H/2^k, W/2^k), k = 4 .. 1
        return Logits(self.head(self.last(y, x)))  # (N, 1, H, W)


NETWORK = ResNet34UNet
ALGORITHM = "resnet34-unet/1"
