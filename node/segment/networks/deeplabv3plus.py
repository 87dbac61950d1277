"""DeepLabV3+ (Chen et al. 2018) on ResNet-50: taps 6, 12 and 18 apart and the mean picture, refined with block 1.

Output stride 8 and rates 12, 24, 36 are the paper's finest setting; here output stride 8 with 6, 12, 18, which fit
pictures of 256. Plain convolutions stand for the separable ones, which the paper pairs with another encoder.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from node.segment.networks.logits import Logits
from node.segment.networks.resnet import Bottleneck, ResNet

_RATES = (6, 12, 18)


class ConvNorm(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, c_in: int, c_out: int, side: int, rate: int = 1) -> None:
        convolution = nn.Conv2d(c_in, c_out, side, padding=rate * (side // 2), dilation=rate, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(c_out), nn.ReLU(inplace=True))


class DeepLabV3Plus(nn.Module):
    """The whole."""

    def __init__(self, channels: int = 1, width: int = 64) -> None:
        super().__init__()
        self.encoder = ResNet(Bottleneck, channels, width, dilated=True)
        c_in, c = self.encoder.widths[-1], 4 * width
        self.branches = nn.ModuleList((ConvNorm(c_in, c, 1), *(ConvNorm(c_in, c, 3, rate) for rate in _RATES)))
        self.mean = nn.Sequential(nn.Conv2d(c_in, c, 1), nn.ReLU())
        self.merge = ConvNorm(5 * c, c, 1)
        self.low = ConvNorm(self.encoder.widths[1], max(3 * width // 4, 1), 1)  # 48 at full width
        self.refine = nn.Sequential(ConvNorm(c + max(3 * width // 4, 1), c, 3), ConvNorm(c, c, 3))
        self.head = nn.Conv2d(c, 1, 1)

    def forward(self, x: Tensor) -> Logits:  # (N, channels, H, W)
        _, one, _, _, four = self.encoder.maps(x)  # (N, 256, H/4, W/4), (N, 2048, H/8, W/8)
        mean = self.mean(four.mean((2, 3), keepdim=True)).expand(-1, -1, *four.shape[-2:])
        y = self.merge(torch.cat((*(branch(four) for branch in self.branches), mean), 1))  # (N, 256, H/8, W/8)
        y = F.interpolate(y, one.shape[-2:], mode="bilinear")  # (N, 256, H/4, W/4)
        y = self.refine(torch.cat((y, self.low(one)), 1))  # (N, 256, H/4, W/4)
        return Logits(F.interpolate(self.head(y), x.shape[-2:], mode="bilinear"))  # (N, 1, H, W)


NETWORK = DeepLabV3Plus
ALGORITHM = "deeplabv3plus/1"
