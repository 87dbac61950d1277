"""P3, U-Net on two backbones (VFAST 2026): ResNet-34 and EfficientNet-B4, dilated bottleneck, squeeze and excitation.

    x ─┬─ ResNet-34       ─┐ strides 2 ... 32: concatenated, projected by 1 x 1 to ResNet's widths
       └─ EfficientNet-B4 ─┘      │
              deepest ─ dilated 1, 2, 4, 8 ─ SE ─ up + skip ─ SE ─ ... ─ up ─ SE ─ head

The paper calls the backbones "used separately" in one place and "hybrid" in another: each can be switched off. Where
dilation and SE belong is not given: four parallel branches of half the width on the deepest features, projected (its
bottleneck, ReLU(Conv(X_enc))), then SE; SE after each decoder block, too. Decoder 256-128-64-32-16: bilinear upsampling
and one convolution. The ResNet-34 variant has 28.9 M parameters (the paper: about 29 M), both together 46.3 M.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from node.segment.networks.efficientnet import EfficientNetB4
from node.segment.networks.logits import Logits
from node.segment.networks.resnet import Basic, ResNet

_RATES = (1, 2, 4, 8)
_REDUCTION = 16
_SMALLEST = 4  # hidden channels of SE: one alone may die behind its ReLU


class SqueezeExcitation(nn.Module):
    """Weigh channels by what their means say."""

    def __init__(self, c: int) -> None:
        super().__init__()
        c_mid = max(c // _REDUCTION, _SMALLEST)
        self.reduce = nn.Conv2d(c, c_mid, 1)
        self.expand = nn.Conv2d(c_mid, c, 1)

    def forward(self, x: Tensor) -> Tensor:  # (N, C, H, W)
        w = torch.sigmoid(self.expand(F.relu(self.reduce(x.mean((2, 3), keepdim=True)))))  # (N, C, 1, 1)
        return x * w  # (N, C, H, W)


class DilatedBottleneck(nn.Module):
    """Four parallel 3 x 3 branches, one a rate, concatenated and projected."""

    def __init__(self, c: int) -> None:
        super().__init__()
        c_mid = max(c // 2, 1)
        self.branches = nn.ModuleList(nn.Conv2d(c, c_mid, 3, padding=r, dilation=r, bias=False) for r in _RATES)
        self.norms = nn.ModuleList(nn.BatchNorm2d(c_mid) for _ in _RATES)
        self.project = nn.Conv2d(4 * c_mid, c, 1, bias=False)
        self.norm = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:  # (N, 512, H/32, W/32)
        seen = [F.relu(norm(branch(x))) for branch, norm in zip(self.branches, self.norms, strict=True)]
        return F.relu(self.norm(self.project(torch.cat(seen, 1))))  # (N, 512, H/32, W/32)


class ConvNorm(nn.Sequential):
    """ReLU(Conv(X)), normalised: the bottleneck without dilation."""

    def __init__(self, c_in: int, c_out: int, kernel: int = 3) -> None:
        convolution = nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(c_out), nn.ReLU(inplace=True))


class Up(nn.Module):
    """Bilinear to the skip's size, the skip concatenated, one convolution, SE."""

    def __init__(self, c_below: int, c_skip: int, c_out: int, *, se: bool) -> None:
        super().__init__()
        self.conv = ConvNorm(c_below + c_skip, c_out)
        self.se = SqueezeExcitation(c_out) if se else nn.Identity()

    def forward(self, below: Tensor, skip: Tensor | None, shape_yx: torch.Size) -> Tensor:
        x = F.interpolate(below, shape_yx, mode="bilinear")  # (N, C, H, W)
        y: Tensor = self.se(self.conv(x if skip is None else torch.cat((x, skip), 1)))
        return y  # (N, C', H, W)


class DualBackboneUNet(nn.Module):
    """The whole of the figure above."""

    def __init__(
        self, channels: int = 1, width: int = 64, *,
        resnet: bool = True, efficientnet: bool = True, dilation: bool = True, se: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        if not resnet and not efficientnet:
            raise TypeError("one backbone at least")
        self.resnet = ResNet(Basic, channels, width, dilated=False) if resnet else None
        self.efficientnet = EfficientNetB4(channels, width) if efficientnet else None
        widths = (width, width, 2 * width, 4 * width, 8 * width)
        found = [trunk.widths for trunk in (self.resnet, self.efficientnet) if trunk is not None]
        self.project = nn.ModuleList(
            ConvNorm(sum(c), wanted, 1) if efficientnet else nn.Identity()
            for *c, wanted in zip(*found, widths, strict=True)
        )
        deepest = widths[-1]
        self.bottleneck = DilatedBottleneck(deepest) if dilation else ConvNorm(deepest, deepest)
        self.se = SqueezeExcitation(deepest) if se else nn.Identity()
        decoder = [max(width * 4 // 2**level, 2) for level in range(5)]  # 256, 128, 64, 32, 16
        skips = [*reversed(widths[:-1]), 0]
        self.up = nn.ModuleList(
            Up(below, skip, c, se=se) for below, skip, c in zip([deepest, *decoder], skips, decoder, strict=False)
        )
        self.head = nn.Conv2d(decoder[-1], 1, 1)

    def forward(self, x: Tensor) -> Logits:  # (N, channels, H, W)
        maps = [trunk.maps(x) for trunk in (self.resnet, self.efficientnet) if trunk is not None]
        levels = [project(torch.cat(same, 1)) for project, *same in zip(self.project, *maps, strict=True)]
        y = self.se(self.bottleneck(levels.pop()))  # (N, 512, H/32, W/32)
        for up in self.up:
            skip = levels.pop() if levels else None
            y = up(y, skip, x.shape[-2:] if skip is None else skip.shape[-2:])  # 256 at 1/16 ... 16 at 1/1
        return Logits(self.head(y))  # (N, 1, H, W)


NETWORK = DualBackboneUNet
ALGORITHM = "dual-backbone-unet/1"  # raise it when other weights are needed
