"""P0, ARU-Net (ITM Web of Conferences 2026): residual blocks, attention gates, additive fusion.

The paper's table 1 is the net with `depth = 2` and `width` F = 64:

    x ── stem s ──────────────────────────────── gate 2 ─(+)─ m₂ ── output
            │                                       │     │
         block 1, pool: e₁ ── gate 1 ─(+)─ m₁ ──────┘── up u₂
            │                    │     │
         block 2, pool: b ───────┘── up u₁

Decisions where the paper is silent or contradicts itself: the stem; 2 x 2 max pooling; batch normalisation; 1 x 1 gates
with C/2 channels in between, gated once; upsample first, then fuse (the text; its table says otherwise). `depth` adds
further stages by the same rule: a block at every halving, twice as wide as the one before.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from node.segment.networks.logits import Logits


class ResidualBlock(nn.Module):
    """Equations 1 and 2: y = F(x) + x; the shortcut is the identity, or a 1 x 1 projection where the width grows."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(c_in, c_out, 3, padding=1, bias=False)
        self.norm_1 = nn.BatchNorm2d(c_out)
        self.conv_2 = nn.Conv2d(c_out, c_out, 3, padding=1, bias=False)
        self.norm_2 = nn.BatchNorm2d(c_out)
        self.shortcut = nn.Identity() if c_in == c_out else nn.Conv2d(c_in, c_out, 1)

    def forward(self, x: Tensor) -> Tensor:  # (N, C, H, W)
        y = F.relu(self.norm_1(self.conv_1(x)))  # (N, C', H, W)
        y = self.norm_2(self.conv_2(y))  # (N, C', H, W)
        return F.relu(y + self.shortcut(x))  # (N, C', H, W)    eq. 1, 2


class AttentionGate(nn.Module):
    """Equation 3: weigh the skip x by what the coarser level g makes of it."""

    def __init__(self, c_skip: int, c_gate: int, c_mid: int) -> None:
        super().__init__()
        self.w_x = nn.Conv2d(c_skip, c_mid, 1, bias=False)
        self.w_g = nn.Conv2d(c_gate, c_mid, 1)  # carries b
        self.psi = nn.Conv2d(c_mid, 1, 1)  # carries b'

    def forward(self, x: Tensor, g: Tensor) -> Tensor:  # x (N, C, H, W)   g (N, C', H/2, W/2)
        g = F.interpolate(self.w_g(g), x.shape[-2:], mode="bilinear")  # (N, M, H, W)
        alpha = torch.sigmoid(self.psi(F.relu(self.w_x(x) + g)))  # (N, 1, H, W)    eq. 3
        return alpha * x  # (N, C, H, W)


class Fusion(nn.Module):
    """Equations 4 to 6: u = Conv(Bilinear(g)), m = u + alpha x. Added, not concatenated."""

    def __init__(self, c_skip: int, c_below: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_below, c_skip, 3, padding=1)
        self.gate = AttentionGate(c_skip, c_below, max(c_skip // 2, 1))

    def forward(self, x: Tensor, g: Tensor) -> Tensor:  # x (N, C, H, W)   g (N, C', H/2, W/2)
        u = self.conv(F.interpolate(g, x.shape[-2:], mode="bilinear"))  # (N, C, H, W)    eq. 4, 5
        m: Tensor = u + self.gate(x, g)
        return m  # (N, C, H, W)    eq. 6


class ARUNet(nn.Module):
    """The whole of the figure above."""

    def __init__(self, channels: int = 1, width: int = 64, depth: int = 2) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(depth)]  # F, 2F, ...
        skips = [width, *widths]  # stem, block 1, ...
        self.stem = nn.Conv2d(channels, width, 3, padding=1)
        self.blocks = nn.ModuleList(ResidualBlock(a, b) for a, b in zip(skips, widths, strict=False))
        self.fusions = nn.ModuleList(Fusion(skips[level], skips[level + 1]) for level in reversed(range(depth)))
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Logits:  # (N, channels, H, W)
        levels = [self.stem(x)]  # s (N, F, H, W)
        for block in self.blocks:
            levels.append(
                F.max_pool2d(block(levels[-1]), 2, ceil_mode=True)
            )  # e₁ (N, F, H/2, W/2), b (N, 2F, H/4, W/4)
        m = levels.pop()
        for fusion in self.fusions:
            m = fusion(levels.pop(), m)  # m₁ (N, F, H/2, W/2), m₂ (N, F, H, W)
        return Logits(self.head(m))  # (N, 1, H, W)    eq. 7 before the sigmoid


NETWORK = ARUNet
ALGORITHM = "aru-net/1"  # raise it when other weights are needed
