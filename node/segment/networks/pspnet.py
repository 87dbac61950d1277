"""PSPNet (Zhao et al. 2017): dilated ResNet-50, means over 1, 4, 9 and 36 regions beside the features.

In training the third block is supervised, too (weight is the loss's: the same as for every further map here).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from node.segment.networks.logits import Logits
from node.segment.networks.resnet import Bottleneck, ResNet

_BINS = (1, 2, 3, 6)


class PSPNet(nn.Module):
    """The whole."""

    def __init__(self, channels: int = 1, width: int = 64) -> None:
        super().__init__()
        self.encoder = ResNet(Bottleneck, channels, width, dilated=True)
        c = self.encoder.widths[-1]
        self.pools = nn.ModuleList(nn.Sequential(nn.Conv2d(c, c // 4, 1), nn.ReLU()) for _ in _BINS)
        self.merge = nn.Sequential(
            nn.Conv2d(2 * c, c // 4, 3, padding=1, bias=False), nn.BatchNorm2d(c // 4), nn.ReLU(inplace=True)
        )
        self.head = nn.Conv2d(c // 4, 1, 1)
        self.further = nn.Conv2d(self.encoder.widths[-2], 1, 1)

    def forward(self, x: Tensor) -> Logits:  # (N, channels, H, W)
        *_, three, four = self.encoder.maps(x)  # (N, 2048, H/8, W/8)
        size = four.shape[-2:]
        means = [
            F.interpolate(pool(F.adaptive_avg_pool2d(four, bins)), size, mode="bilinear")
            for pool, bins in zip(self.pools, _BINS, strict=True)
        ]  # (N, 512, H/8, W/8) each
        y = self.merge(torch.cat((four, *means), 1))  # (N, 512, H/8, W/8)
        main = F.interpolate(self.head(y), x.shape[-2:], mode="bilinear")  # (N, 1, H, W)
        if not self.training:
            return Logits(main)
        return Logits(main, (F.interpolate(self.further(three), x.shape[-2:], mode="bilinear"),))


NETWORK = PSPNet
ALGORITHM = "pspnet/1"
