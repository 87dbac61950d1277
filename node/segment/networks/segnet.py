"""SegNet (Badrinarayanan et al. 2017): encoder of VGG-16 shape, the decoder unpools with the encoder's own indices.

`width` is that of the first stage (64 in the original); the five stages hold 2, 2, 3, 3, 3 convolutions and are
1, 2, 4, 8, 8 times as wide.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from node.segment.networks.logits import Logits

_CONVOLUTIONS = (2, 2, 3, 3, 3)
_WIDTHS = (1, 2, 4, 8, 8)


class Stage(nn.Sequential):
    """So many 3 x 3 convolutions with batch normalisation and ReLU; the width changes in the first or in the last."""

    def __init__(self, c_in: int, c_mid: int, c_out: int, n: int) -> None:
        widths = [c_in, *([c_mid] * (n - 1)), c_out]
        layers: list[nn.Module] = []
        for a, b in pairwise(widths):
            layers += [nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True)]
        super().__init__(*layers)


class SegNet(nn.Module):
    """Five stages down, five up."""

    def __init__(self, channels: int = 1, width: int = 64) -> None:
        super().__init__()
        widths = [width * factor for factor in _WIDTHS]
        ins = [channels, *widths]
        outs = [width, *widths]
        self.down = nn.ModuleList(Stage(a, b, b, n) for a, b, n in zip(ins, widths, _CONVOLUTIONS, strict=False))
        self.up = nn.ModuleList(
            Stage(widths[i], widths[i], outs[i], _CONVOLUTIONS[i]) for i in reversed(range(len(widths)))
        )
        self.head = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Logits:  # (N, channels, H, W)
        taken = []
        for stage in self.down:
            full = stage(x)  # (N, C, H/2^k, W/2^k)
            x, at = F.max_pool2d(full, 2, ceil_mode=True, return_indices=True)  # (N, C, H/2^(k+1), W/2^(k+1))
            taken.append((at, full.shape[-2:]))
        for stage in self.up:
            at, size = taken.pop()
            x = stage(F.max_unpool2d(x, at, (2, 2), output_size=list(size)))  # (N, C', H/2^k, W/2^k)
        return Logits(self.head(x))  # (N, 1, H, W)


NETWORK = SegNet
ALGORITHM = "segnet/1"
