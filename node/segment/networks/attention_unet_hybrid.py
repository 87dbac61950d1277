"""P2, Attention-enhanced U-Net (2025): residual double convolutions, a gate on each skip, deconvolutions.

    x ─ level 1 ─ level 2 ─ ... ─ bottom
           │         └─ gate ─ concatenated ─ up ┘ ...
           └─ gate ─ concatenated ─ up ─ head

Decisions where the paper is silent: `residual` double convolutions with batch normalisation ("residual" stands in its
title alone; `norm` off gives equations 1 and 2 as printed), widths 64-128-256-512-1024; the gate of equation 6 is one
linear map of skip and coarser decoder level, without the inner ReLU and psi of Oktay's gate, which is the other choice.
"""

from enum import IntEnum

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from node.segment.networks.logits import Logits


class Gate(IntEnum):
    """What weighs a skip: nothing, the paper's equation 6, or Oktay's gate. Numbers, as all sizes are."""

    NONE = 0
    EQ6 = 1
    OKTAY = 2


class DoubleConv(nn.Module):
    """Equations 1 and 2: two 3 x 3 convolutions with ReLU; with `residual` the input is added before the last one."""

    def __init__(self, c_in: int, c_out: int, *, residual: bool, norm: bool) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(c_in, c_out, 3, padding=1, bias=not norm)
        self.norm_1 = nn.BatchNorm2d(c_out) if norm else nn.Identity()
        self.conv_2 = nn.Conv2d(c_out, c_out, 3, padding=1, bias=not norm)
        self.norm_2 = nn.BatchNorm2d(c_out) if norm else nn.Identity()
        self.residual = residual
        self.shortcut = nn.Conv2d(c_in, c_out, 1, bias=False) if residual and c_in != c_out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:  # (N, C, H, W)
        y = F.relu(self.norm_1(self.conv_1(x)))  # (N, C', H, W)    eq. 1
        y = self.norm_2(self.conv_2(y))  # (N, C', H, W)
        return F.relu(y + self.shortcut(x) if self.residual else y)  # (N, C', H, W)    eq. 2


class LinearGate(nn.Module):
    """Equation 6: alpha = sigma(w_x x + w_g g + b), one value a pixel."""

    def __init__(self, c_skip: int, c_gate: int) -> None:
        super().__init__()
        self.w_x = nn.Conv2d(c_skip, 1, 1, bias=False)
        self.w_g = nn.Conv2d(c_gate, 1, 1)  # carries b

    def forward(self, x: Tensor, g: Tensor) -> Tensor:  # x (N, C, H, W)   g (N, 2C, H/2, W/2)
        g = F.interpolate(self.w_g(g), x.shape[-2:], mode="bilinear")  # (N, 1, H, W)
        return torch.sigmoid(self.w_x(x) + g)  # (N, 1, H, W)    eq. 6


class OktayGate(nn.Module):
    """The gate of Attention U-Net (Oktay et al. 2018), for the ablation: alpha = sigma(psi ReLU(W_x x + W_g g + b))."""

    def __init__(self, c_skip: int, c_gate: int) -> None:
        super().__init__()
        c_mid = max(c_skip // 2, 1)
        self.w_x = nn.Conv2d(c_skip, c_mid, 1, bias=False)
        self.w_g = nn.Conv2d(c_gate, c_mid, 1)
        self.psi = nn.Conv2d(c_mid, 1, 1)

    def forward(self, x: Tensor, g: Tensor) -> Tensor:  # x (N, C, H, W)   g (N, 2C, H/2, W/2)
        g = F.interpolate(self.w_g(g), x.shape[-2:], mode="bilinear")  # (N, M, H, W)
        return torch.sigmoid(self.psi(F.relu(self.w_x(x) + g)))  # (N, 1, H, W)


class OpenGate(nn.Module):
    """No gate: the skip passes whole."""

    def forward(self, x: Tensor, _: Tensor) -> Tensor:
        return torch.ones_like(x[:, :1])  # (N, 1, H, W)


class Up(nn.Module):
    """Equation 3: a transposed convolution with ReLU; then the gated skip is concatenated and convolved."""

    def __init__(self, c_below: int, c_skip: int, gate: Gate, *, residual: bool, norm: bool) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(c_below, c_skip, 2, stride=2)
        self.gate = _gate(gate, c_skip, c_below)
        self.conv = DoubleConv(2 * c_skip, c_skip, residual=residual, norm=norm)

    def forward(self, x: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:  # x (N, C, H, W)   g (N, 2C, H/2, W/2)
        alpha = self.gate(x, g)  # (N, 1, H, W)    eq. 6
        u = F.relu(self.up(g))[..., : x.shape[-2], : x.shape[-1]]  # (N, C, H, W)    eq. 3
        return self.conv(torch.cat((alpha * x, u), 1)), alpha  # (N, C, H, W), (N, 1, H, W)


class AttentionUNet(nn.Module):
    """The whole of the figure above."""

    def __init__(
        self, channels: int = 1, width: int = 64, depth: int = 4, gate: int = Gate.EQ6, *,
        residual: bool = True, norm: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        self.down = nn.ModuleList(
            DoubleConv(a, b, residual=residual, norm=norm) for a, b in zip([channels, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList(
            Up(widths[level + 1], widths[level], Gate(gate), residual=residual, norm=norm)
            for level in reversed(range(depth))
        )
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Logits:  # (N, channels, H, W)
        return Logits(self._both(x)[0])  # (N, 1, H, W)

    def attention(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the gates' weights, coarsest first: what is shown as a picture of each case."""
        return self._both(x)[1]  # (N, 1, H/8, W/8) ... (N, 1, H, W)

    def _both(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        levels = [self.down[0](x)]  # (N, 64, H, W)
        for stage in list(self.down)[1:]:
            levels.append(stage(F.max_pool2d(levels[-1], 2, ceil_mode=True)))  # (N, 64 * 2^k, H/2^k, W/2^k)
        g = levels.pop()
        alphas = []
        for stage in self.up:
            g, alpha = stage(levels.pop(), g)  # (N, 64 * 2^k, H/2^k, W/2^k)
            alphas.append(alpha)
        return self.head(g), tuple(alphas)  # (N, 1, H, W)


def _gate(gate: Gate, c_skip: int, c_gate: int) -> nn.Module:
    if gate is Gate.NONE:
        return OpenGate()
    return LinearGate(c_skip, c_gate) if gate is Gate.EQ6 else OktayGate(c_skip, c_gate)


NETWORK = AttentionUNet
ALGORITHM = "attention-unet-hybrid/1"  # raise it when other weights are needed
