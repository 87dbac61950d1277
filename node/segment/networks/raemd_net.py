"""P4, RAEMD-Net: multi-scale CNN, dense block, bidirectional ConvLSTM over the slices, residual attention.

    slice t ─ 1/1 ─ 1/2 ─ 1/4 ─ dense ─ LSTM over t, both ways ─ attention ─ up ─ up ─ head
                │     └──────────────────────────────────────────────────────┘    │
                └───────────────────────────────────────────────────────────-─────┘

The printed algorithm never uses h_t; here F = the merged h_t, and the dense features where `lstm` is off. Dense block,
LSTM and attention run at 1/4, and a light decoder restores the full size (decisions: the paper names none of it). Each
part can be switched off; all off is the U-Net of the first ablation row.

Pictures (N, C, H, W) are one run of N slices; (B, T, C, H, W) are B runs, of which `valid` (B, T) names the slices that
are there. A padded slice changes nothing: it reaches neither the convolutions nor the LSTM's state.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from node.segment.networks.logits import Logits

_LAYERS = 4
_REDUCTION = 16
_SMALLEST = 4  # hidden channels of the MLP: one alone may die behind its ReLU


class DoubleConv(nn.Sequential):
    """Equation 3.1 twice: 3 x 3, batch normalisation (a decision), ReLU."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(c_out, c_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU(inplace=True),
        )


class MultiScale(nn.Module):
    """Equations 3.1 and 3.2: the map as it is and reduced by 2, both convolved, concatenated, 1 x 1."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.fine = DoubleConv(c_in, c_out)
        self.coarse = DoubleConv(c_in, c_out)
        self.merge = nn.Conv2d(2 * c_out, c_out, 1)

    def forward(self, x: Tensor) -> Tensor:  # (N, C, H, W)
        fine = self.fine(x)  # (N, C', H, W)
        coarse = self.coarse(F.avg_pool2d(x, 2, ceil_mode=True))  # (N, C', H/2, W/2)
        coarse = F.interpolate(coarse, x.shape[-2:], mode="bilinear")  # (N, C', H, W)
        y: Tensor = self.merge(torch.cat((fine, coarse), 1))
        return y  # (N, C', H, W)    eq. 3.2


class DenseBlock(nn.Module):
    """Equation 3.3: each layer sees all before it; BN-ReLU-3 x 3, then 1 x 1 back to the width."""

    def __init__(self, c: int, growth: int) -> None:
        super().__init__()
        widths = [c + number * growth for number in range(_LAYERS)]
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths)
        self.convs = nn.ModuleList(nn.Conv2d(width, growth, 3, padding=1) for width in widths)
        self.merge = nn.Conv2d(c + _LAYERS * growth, c, 1)

    def forward(self, x: Tensor) -> Tensor:  # (N, 128, H, W)
        for norm, conv in zip(self.norms, self.convs, strict=True):
            x = torch.cat((x, conv(F.relu(norm(x)))), 1)  # (N, 128 + 32 l, H, W)    eq. 3.3
        y: Tensor = self.merge(x)
        return y  # (N, 128, H, W)


class ConvLSTM(nn.Module):
    """Equation 3.4 with 3 x 3 convolutions; the four gates have weights of their own, side by side in one tensor."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.w = nn.Conv2d(c, 4 * c, 3, padding=1)  # carries b
        self.u = nn.Conv2d(c, 4 * c, 3, padding=1, bias=False)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:  # x (B, T, C, H, W)   valid (B, T)
        batch, steps, *size = x.shape
        h = c = x.new_zeros(batch, *size)
        seen = self.w(x.flatten(0, 1)).unflatten(0, (batch, steps))  # (B, T, 4C, H, W)
        found = []
        for t in range(steps):
            i, f, o, g = (seen[:, t] + self.u(h)).chunk(4, 1)  # (B, C, H, W) each
            c_t = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h_t = torch.sigmoid(o) * torch.tanh(c_t)  # eq. 3.4
            there = valid[:, t, None, None, None]
            h, c = torch.where(there, h_t, h), torch.where(there, c_t, c)
            found.append(h)
        return torch.stack(found, 1)  # (B, T, C, H, W)


class SliceMemory(nn.Module):
    """The LSTM over the slices, forward and, with `bidirectional`, backward, too; merged by 1 x 1."""

    def __init__(self, c: int, *, bidirectional: bool) -> None:
        super().__init__()
        self.onward = ConvLSTM(c)
        self.back = ConvLSTM(c) if bidirectional else None
        self.merge = nn.Conv2d(2 * c if bidirectional else c, c, 1)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:  # x (B, T, C, H, W)   valid (B, T)
        h = self.onward(x, valid)
        if self.back is not None:
            h = torch.cat((h, self.back(x.flip(1), valid.flip(1)).flip(1)), 2)  # (B, T, 2C, H, W)
        y: Tensor = self.merge(h.flatten(0, 1))
        return y.reshape(x.shape)  # (B, T, C, H, W)


class ResidualAttention(nn.Module):
    """Equations 3.5 to 3.9: F + M_s F + M_c F, both maps from one F."""

    def __init__(self, c: int) -> None:
        super().__init__()
        c_mid = max(c // _REDUCTION, _SMALLEST)
        self.space = nn.Conv2d(c, 1, 7, padding=3)
        self.mlp = nn.Sequential(nn.Conv2d(c, c_mid, 1), nn.ReLU(inplace=True), nn.Conv2d(c_mid, c, 1))

    def forward(self, f: Tensor) -> Tensor:  # (N, C, H, W)
        m_s = torch.sigmoid(self.space(f))  # (N, 1, H, W)    eq. 3.5
        mean, largest = f.mean((2, 3), keepdim=True), f.amax((2, 3), keepdim=True)  # (N, C, 1, 1)
        m_c = torch.sigmoid(self.mlp(mean) + self.mlp(largest))  # (N, C, 1, 1)    eq. 3.6
        return f + m_s * f + m_c * f  # (N, C, H, W)    eq. 3.7-3.9


class Up(nn.Module):
    """Bilinear to the skip's size, concatenated, one convolution."""

    def __init__(self, c_below: int, c_skip: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_below + c_skip, c_skip, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(c_skip)

    def forward(self, below: Tensor, skip: Tensor) -> Tensor:
        x = torch.cat((F.interpolate(below, skip.shape[-2:], mode="bilinear"), skip), 1)
        return F.relu(self.norm(self.conv(x)))


class RAEMDNet(nn.Module):
    """The whole of the figure above."""

    def __init__(
        self, channels: int = 1, width: int = 32, *,
        multi_scale: bool = True, dense: bool = True, attention: bool = True, lstm: bool = True,
        bidirectional: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        widths = (width, 2 * width, 4 * width)  # 32, 64, 128
        stage = MultiScale if multi_scale else DoubleConv
        self.stages = nn.ModuleList(stage(a, b) for a, b in zip((channels, *widths), widths, strict=False))
        self.dense = DenseBlock(widths[-1], width) if dense else nn.Identity()
        self.lstm = SliceMemory(widths[-1], bidirectional=bidirectional) if lstm else None
        self.attention = ResidualAttention(widths[-1]) if attention else nn.Identity()
        self.up = nn.ModuleList((Up(widths[2], widths[1]), Up(widths[1], widths[0])))
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Logits:  # (B, T, channels, H, W)
        if x.ndim == 4:
            return Logits(self(x[None]).main[0])  # (T, 1, H, W)
        if valid is None:
            valid = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        levels = [self.stages[0](x[valid])]  # (N, 32, H, W), N the slices that are there
        for stage in list(self.stages)[1:]:
            levels.append(stage(F.max_pool2d(levels[-1], 2, ceil_mode=True)))  # 64 at 1/2, 128 at 1/4
        f = self.dense(levels.pop())  # (N, 128, H/4, W/4)
        if self.lstm is not None:
            f = self.lstm(_padded(f, valid), valid)[valid]  # (N, 128, H/4, W/4)    F = merged h_t
        y = self.attention(f)  # (N, 128, H/4, W/4)    eq. 3.9
        for up in self.up:
            y = up(y, levels.pop())  # 64 at 1/2, 32 at 1/1
        return Logits(_padded(self.head(y), valid))  # (B, T, 1, H, W); 0 where no slice is


def _padded(f: Tensor, valid: Tensor) -> Tensor:
    """Put the maps of the slices that are there back into their runs."""
    whole = f.new_zeros((*valid.shape, *f.shape[1:]))
    return whole.index_put((valid,), f)


NETWORK = RAEMDNet
ALGORITHM = "raemd-net/1"  # raise it when other weights are needed
