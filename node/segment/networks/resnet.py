"""Residual encoders of depth 18, 34 and 50 (He et al. 2016), shared by the networks that are defined on them.

`maps` returns the features of strides 2, 4, 8, 16 and 32. With `dilated` the last two blocks keep stride 8 and space
their taps instead, as PSPNet and DeepLab do.
"""

from torch import Tensor, nn
from torch.nn import functional as F


class Basic(nn.Module):
    """Two 3 x 3 convolutions and a shortcut."""

    expansion = 1

    def __init__(self, c_in: int, c: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c, 3, stride, dilation, dilation, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, 1, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.downsample = _shortcut(c_in, c, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3, 1 x 1 and a shortcut; four times wider outside than inside."""

    expansion = 4

    def __init__(self, c_in: int, c: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.conv3 = nn.Conv2d(c, 4 * c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * c)
        self.downsample = _shortcut(c_in, 4 * c, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x))


class ResNet(nn.Module):
    """Stem and four blocks of 3, 4, 6 and 3 units; `layers` says otherwise for other depths."""

    def __init__(
        self, unit: type[Basic] | type[Bottleneck], channels: int, width: int, *, dilated: bool,
        layers: tuple[int, int, int, int] = (3, 4, 6, 3),
    ) -> None:  # fmt: skip
        super().__init__()
        e = unit.expansion
        self.widths = (width, e * width, 2 * e * width, 4 * e * width, 8 * e * width)
        self.conv1 = nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = _block(unit, width, width, layers[0], 1, 1)
        self.layer2 = _block(unit, self.widths[1], 2 * width, layers[1], 2, 1)
        self.layer3 = _block(unit, self.widths[2], 4 * width, layers[2], 1 if dilated else 2, 2 if dilated else 1)
        self.layer4 = _block(unit, self.widths[3], 8 * width, layers[3], 1 if dilated else 2, 4 if dilated else 1)

    def maps(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the stem's and the four blocks' features."""
        stem = F.relu(self.bn1(self.conv1(x)))  # (N, F, H/2, W/2)
        one = self.layer1(F.max_pool2d(stem, 3, 2, 1))  # (N, eF, H/4, W/4)
        two = self.layer2(one)  # (N, 2eF, H/8, W/8)
        three = self.layer3(two)  # (N, 4eF, H/16, W/16)
        return stem, one, two, three, self.layer4(three)  # (N, 8eF, H/32, W/32)


def _shortcut(c_in: int, c_out: int, stride: int) -> nn.Module:
    if stride == 1 and c_in == c_out:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out))


def _block(
    unit: type[Basic] | type[Bottleneck], c_in: int, c: int, n: int, stride: int, dilation: int
) -> nn.Sequential:
    first = unit(c_in, c, stride, dilation)
    return nn.Sequential(first, *(unit(unit.expansion * c, c, 1, dilation) for _ in range(n - 1)))
