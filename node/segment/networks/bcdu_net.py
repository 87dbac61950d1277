"""BCDU-Net (Azad et al. 2019), of P1's comparison: densely connected bottom, bidirectional ConvLSTM skips.

At each skip the encoder's map and the upsampled one are a sequence of two; a ConvLSTM reads it in both directions and
its last states are concatenated (the authors' widths: half of the level each way).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from node.segment.networks.logits import Logits


class DoubleConv(nn.Sequential):
    """Two 3 x 3 convolutions with ReLU."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_out, 3, padding=1), nn.ReLU(), nn.Conv2d(c_out, c_out, 3, padding=1), nn.ReLU()
        )


class ConvLSTM(nn.Module):
    """One direction over a sequence of maps; returns the last hidden state."""

    def __init__(self, c_in: int, c: int) -> None:
        super().__init__()
        self.c = c
        self.gates = nn.Conv2d(c_in + c, 4 * c, 3, padding=1)

    def forward(self, sequence: list[Tensor]) -> Tensor:  # (N, C, H, W) each
        h = sequence[0].new_zeros(sequence[0].shape[0], self.c, *sequence[0].shape[-2:])
        cell = h
        for x in sequence:
            i, f, o, g = self.gates(torch.cat((x, h), 1)).chunk(4, 1)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            h = o.sigmoid() * cell.tanh()
        return h  # (N, c, H, W)


class Up(nn.Module):
    """Transposed convolution with batch normalisation, both directions over (skip, up), two convolutions."""

    def __init__(self, c_below: int, c: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(c_below, c, 2, stride=2)
        self.norm = nn.BatchNorm2d(c)
        self.forth, self.back = ConvLSTM(c, max(c // 2, 1)), ConvLSTM(c, max(c // 2, 1))
        self.conv = DoubleConv(2 * max(c // 2, 1), c)

    def forward(self, below: Tensor, skip: Tensor) -> Tensor:
        y = F.relu(self.norm(self.up(below)))[..., : skip.shape[-2], : skip.shape[-1]]  # (N, C, H, W)
        y = torch.cat((self.forth([skip, y]), self.back([y, skip])), 1)  # (N, C, H, W)
        z: Tensor = self.conv(y)
        return z  # (N, C, H, W)


class BCDUNet(nn.Module):
    """Three poolings; the bottom has three densely connected pairs of convolutions (d = 3)."""

    def __init__(self, channels: int = 1, width: int = 64) -> None:
        super().__init__()
        f = width
        self.down = nn.ModuleList((DoubleConv(channels, f), DoubleConv(f, 2 * f), DoubleConv(2 * f, 4 * f)))
        self.dense = nn.ModuleList((DoubleConv(4 * f, 8 * f), DoubleConv(8 * f, 8 * f), DoubleConv(16 * f, 8 * f)))
        self.up = nn.ModuleList((Up(8 * f, 4 * f), Up(4 * f, 2 * f), Up(2 * f, f)))
        self.head = nn.Conv2d(f, 1, 1)

    def forward(self, x: Tensor) -> Logits:  # (N, channels, H, W)
        skips = []
        for stage in self.down:
            skips.append(stage(x))  # (N, kF, H/2^k, W/2^k)
            x = F.max_pool2d(skips[-1], 2, ceil_mode=True)
        one = self.dense[0](x)  # (N, 8F, H/8, W/8)
        two = self.dense[1](one)
        y = self.dense[2](torch.cat((one, two), 1))
        for stage in self.up:
            y = stage(y, skips.pop())  # (N, kF, H/2^k, W/2^k)
        return Logits(self.head(y))  # (N, 1, H, W)


NETWORK = BCDUNet
ALGORITHM = "bcdu-net/1"
