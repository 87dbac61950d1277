"""EfficientNet-B4 (Tan and Le 2019) without its head: the second backbone of P3.

B0 widened by 1.4 and deepened by 1.8: stem 48, then seven stages of inverted residual blocks with squeeze and
excitation. `maps` returns the features of strides 2, 4, 8, 16 and 32: 24, 32, 56, 160 and 448 channels at `width` 64,
in proportion below. No stochastic depth (a decision: the same seed gives the same network whatever is left out).
"""

from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_STEM = 48
# channels, repeats, expansion, kernel, stride
_STAGES = (
    (24, 2, 1, 3, 1),
    (32, 4, 6, 3, 2),
    (56, 4, 6, 5, 2),
    (112, 6, 6, 3, 2),
    (160, 6, 6, 5, 1),
    (272, 8, 6, 5, 2),
    (448, 2, 6, 3, 1),
)
_TAPPED = (0, 1, 2, 4, 6)  # the last stage of each stride
_SMALLEST = 2


class Excitation(nn.Module):
    """Squeeze and excitation as this network has it: a quarter of the block's input, SiLU inside."""

    def __init__(self, c: int, c_mid: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(c, c_mid, 1)
        self.expand = nn.Conv2d(c_mid, c, 1)

    def forward(self, x: Tensor) -> Tensor:  # (N, C, H, W)
        w = self.expand(F.silu(self.reduce(x.mean((2, 3), keepdim=True))))  # (N, C, 1, 1)
        return x * torch.sigmoid(w)  # (N, C, H, W)


class InvertedResidual(nn.Module):
    """1 x 1 wider, depthwise, excitation, 1 x 1 narrower; the input added where nothing changes its size."""

    def __init__(self, c_in: int, c_out: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        c = expansion * c_in
        self.is_kept = stride == 1 and c_in == c_out
        self.widen = nn.Conv2d(c_in, c, 1, bias=False) if expansion > 1 else nn.Identity()
        self.norm_1 = nn.BatchNorm2d(c) if expansion > 1 else nn.Identity()
        self.expansion = expansion
        self.depthwise = nn.Conv2d(c, c, kernel, stride, kernel // 2, groups=c, bias=False)
        self.norm_2 = nn.BatchNorm2d(c)
        self.excitation = Excitation(c, max(c_in // 4, 1))
        self.narrow = nn.Conv2d(c, c_out, 1, bias=False)
        self.norm_3 = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:  # (N, C, H, W)
        y = F.silu(self.norm_1(self.widen(x))) if self.expansion > 1 else x  # (N, 6C, H, W)
        y = self.excitation(F.silu(self.norm_2(self._depthwise(y))))  # (N, 6C, H/s, W/s)
        z: Tensor = self.norm_3(self.narrow(y))  # (N, C', H/s, W/s)
        return x + z if self.is_kept else z

    def _depthwise(self, y: Tensor) -> Tensor:  # (N, 6C, H, W)
        """Learn in single precision: on the CPU, bf16 takes four times as long backwards, without any gain."""
        single = self.training and y.device.type == "cpu"
        with torch.autocast("cpu", enabled=False) if single else nullcontext():
            z: Tensor = self.depthwise(y.float() if single else y)
        return z  # (N, 6C, H/s, W/s)


class EfficientNetB4(nn.Module):
    """Stem and seven stages."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        stem = _scaled(_STEM, width)
        self.conv = nn.Conv2d(channels, stem, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(stem)
        stages, c_in = [], stem
        for c, n, expansion, kernel, stride in _STAGES:
            c_out = _scaled(c, width)
            first = InvertedResidual(c_in, c_out, expansion, kernel, stride)
            stages.append(
                nn.Sequential(first, *(InvertedResidual(c_out, c_out, expansion, kernel, 1) for _ in range(n - 1)))
            )
            c_in = c_out
        self.stages = nn.ModuleList(stages)
        self.widths = tuple(_scaled(_STAGES[at][0], width) for at in _TAPPED)

    def maps(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the features of strides 2, 4, 8, 16 and 32."""
        x = F.silu(self.norm(self.conv(x)))  # (N, 48, H/2, W/2)
        found = []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in _TAPPED:
                found.append(x)  # 24 at 1/2, 32 at 1/4, 56 at 1/8, 160 at 1/16, 448 at 1/32
        return tuple(found)


def _scaled(c: int, width: int) -> int:
    return max(round(c * width / 64), _SMALLEST)
