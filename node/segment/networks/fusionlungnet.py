"""P1, FusionLungNet (arXiv 2410.15812): ResNet-50 encoder, CAA, MFF, SR, four supervised heads, residual refinement.

    x ─ block 1 ─ block 2 ─ block 3 ─ block 4 ─ CAA ─ SR ─ c ───────────── head 4
           │         │         └── MFF(c, block 3, c)  ─ SR ─ r₃ ───────── head 3
           │         └──────────── MFF(c, block 2, r₃) ─ SR ─ r₂ ───────── head 2
           └────────────────────── MFF(c, block 1, r₂) ─ SR ─ r₁ ───────── head 1 ─ RRM ─ answer

`width` is that of the encoder's stem: 64 in the paper, which makes the decoder 256 and RRM 64 wide (about 45.6 M
parameters). Decisions: a sigmoid on CAA's weights, as the text calls them attention scores (`bounded = False` is the
printed form); convolve first, then resize in MFF (text against equations); the heads are supervised in training only.
The switches `mff`, `sr` and `rrm` are the paper's ablation rows: without MFF block k and the coarser map are brought
to one width and added, without SR a 3 x 3 convolution stands in its place.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from node.segment.networks.logits import Logits

_LAYERS = (3, 4, 6, 3)  # bottlenecks in ResNet-50's four blocks


class ConvNorm(nn.Sequential):
    """Convolution, batch normalisation, ReLU; `kernel` is (rows, columns)."""

    def __init__(self, c_in: int, c_out: int, kernel: tuple[int, int] = (3, 3)) -> None:
        rows, columns = kernel
        convolution = nn.Conv2d(c_in, c_out, kernel, padding=(rows // 2, columns // 2), bias=False)
        super().__init__(convolution, nn.BatchNorm2d(c_out), nn.ReLU(inplace=True))


class Bottleneck(nn.Module):
    """ResNet's 1 x 1, 3 x 3, 1 x 1 residual unit, four times wider outside than inside."""

    def __init__(self, c_in: int, c_mid: int, stride: int) -> None:
        super().__init__()
        c_out = 4 * c_mid
        self.conv1 = nn.Conv2d(c_in, c_mid, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_mid)
        self.conv2 = nn.Conv2d(c_mid, c_mid, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_mid)
        self.conv3 = nn.Conv2d(c_mid, c_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(c_out)
        self.downsample = (
            nn.Identity()
            if stride == 1 and c_in == c_out
            else nn.Sequential(nn.Conv2d(c_in, c_out, 1, stride=stride, bias=False), nn.BatchNorm2d(c_out))
        )

    def forward(self, x: Tensor) -> Tensor:  # (N, C, H, W)
        y = F.relu(self.bn1(self.conv1(x)))  # (N, M, H, W)
        y = F.relu(self.bn2(self.conv2(y)))  # (N, M, H/s, W/s)
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x))  # (N, 4M, H/s, W/s)


class ResNet50(nn.Module):
    """Blocks 1 to 4; the names are those of the published weights, so that a site that has them can load them."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = _block(width, width, 1, _LAYERS[0])
        self.layer2 = _block(4 * width, 2 * width, 2, _LAYERS[1])
        self.layer3 = _block(8 * width, 4 * width, 2, _LAYERS[2])
        self.layer4 = _block(16 * width, 8 * width, 2, _LAYERS[3])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # (N, channels, H, W)
        x = F.relu(self.bn1(self.conv1(x)))  # (N, 64, H/2, W/2)
        x = F.max_pool2d(x, 3, stride=2, padding=1)  # (N, 64, H/4, W/4)
        block_1 = self.layer1(x)  # (N, 256, H/4, W/4)
        block_2 = self.layer2(block_1)  # (N, 512, H/8, W/8)
        block_3 = self.layer3(block_2)  # (N, 1024, H/16, W/16)
        block_4 = self.layer4(block_3)  # (N, 2048, H/32, W/32)
        return block_1, block_2, block_3, block_4


class ChannelAttention(nn.Module):
    """CAA, equations 1 to 3: weigh channels by what crossed line convolutions see."""

    def __init__(self, c_in: int, c: int, *, bounded: bool) -> None:
        super().__init__()
        self.bounded = bounded
        self.reduce = nn.Sequential(ConvNorm(c_in, c, (1, 1)), ConvNorm(c, c))
        self.lines = nn.Sequential(ConvNorm(c, c, (1, 3)), ConvNorm(c, c, (3, 1)))

    def forward(self, x: Tensor) -> Tensor:  # (N, 2048, H, W)
        i_4: Tensor = self.reduce(x)  # (N, 256, H, W)    eq. 1
        w: Tensor = self.lines(i_4).mean((2, 3), keepdim=True)  # (N, 256, 1, 1)    eq. 2
        return i_4 * (torch.sigmoid(w) if self.bounded else w)  # (N, 256, H, W)    eq. 3


class FeatureFusion(nn.Module):
    """MFF, equations 4 to 8: products of three maps, two by two."""

    def __init__(self, c_1: int, c_2: int, c_3: int, c: int) -> None:
        super().__init__()
        self.conv_1 = ConvNorm(c_1, c)
        self.conv_2 = ConvNorm(c_2, c)
        self.conv_3 = ConvNorm(c_3, c)
        self.merge = ConvNorm(3 * c, c)

    def forward(self, i_1: Tensor, i_2: Tensor, i_3: Tensor) -> Tensor:  # i_2 (N, C, H, W), the others any size
        b = self.conv_2(i_2)  # (N, 256, H, W)
        a = _resize(self.conv_1(i_1), b)  # (N, 256, H, W)    eq. 4
        c = _resize(self.conv_3(i_3), b)  # (N, 256, H, W)    eq. 5
        f: Tensor = self.merge(torch.cat((a * b, a * c, b * c), 1))
        return f  # (N, 256, H, W)    eq. 6-8


class Addition(nn.Module):
    """What stands in MFF's place in the ablation: a map and the coarser one, summed."""

    def __init__(self, c_2: int, c: int) -> None:
        super().__init__()
        self.conv_2 = ConvNorm(c_2, c)

    def forward(self, _: Tensor, i_2: Tensor, i_3: Tensor) -> Tensor:
        b: Tensor = self.conv_2(i_2)  # (N, 256, H, W)
        return b + _resize(i_3, b)  # (N, 256, H, W)


class SelfRefinement(nn.Module):
    """SR: F_out = ReLU(F_m F_1 + F_c), both learnt from F_1 (from GCPANet, which the paper cites)."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv_1 = ConvNorm(c, c)
        self.conv_2 = nn.Conv2d(c, 2 * c, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:  # (N, 256, H, W)
        f_1 = self.conv_1(x)  # (N, 256, H, W)
        f_m, f_c = self.conv_2(f_1).chunk(2, 1)  # (N, 256, H, W) each
        return F.relu(f_m * f_1 + f_c)  # (N, 256, H, W)


class ResidualRefinement(nn.Module):
    """RRM (after BASNet): a small U-Net on the coarse logits, whose answer is added to them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, padding=1)
        self.down = nn.ModuleList(ConvNorm(width, width) for _ in range(4))
        self.bottom = ConvNorm(width, width)
        self.up = nn.ModuleList(ConvNorm(2 * width, width) for _ in range(4))
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, coarse: Tensor) -> Tensor:  # (N, 1, H, W)
        x = self.stem(coarse)  # (N, 64, H, W)
        shortcuts = []
        for stage in self.down:
            shortcuts.append(stage(x))  # (N, 64, H/2^k, W/2^k), k = 0..3
            x = F.max_pool2d(shortcuts[-1], 2, ceil_mode=True)
        x = self.bottom(x)  # (N, 64, H/16, W/16)
        for stage in self.up:
            shortcut = shortcuts.pop()
            x = stage(torch.cat((_resize(x, shortcut), shortcut), 1))  # (N, 64, H/2^k, W/2^k), k = 3..0
        refined: Tensor = coarse + self.head(x)
        return refined  # (N, 1, H, W)


class FusionLungNet(nn.Module):
    """The whole of the figure above."""

    def __init__(
        self,
        channels: int = 1,
        width: int = 64,
        *,
        bounded: bool = True,
        mff: bool = True,
        sr: bool = True,
        rrm: bool = True,
    ) -> None:
        super().__init__()
        c = 4 * width  # 256
        self.encoder = ResNet50(channels, width)
        self.caa = ChannelAttention(32 * width, c, bounded=bounded)
        self.fuse_3 = FeatureFusion(c, 16 * width, c, c) if mff else Addition(16 * width, c)
        self.fuse_2 = FeatureFusion(c, 8 * width, c, c) if mff else Addition(8 * width, c)
        self.fuse_1 = FeatureFusion(c, 4 * width, c, c) if mff else Addition(4 * width, c)
        self.refine_4, self.refine_3, self.refine_2, self.refine_1 = (
            SelfRefinement(c) if sr else ConvNorm(c, c) for _ in range(4)
        )
        self.head_4, self.head_3, self.head_2, self.head_1 = (nn.Conv2d(c, 1, 3, padding=1) for _ in range(4))
        self.rrm = ResidualRefinement(width) if rrm else nn.Identity()

    def forward(self, x: Tensor) -> Logits:  # (N, channels, H, W)
        block_1, block_2, block_3, block_4 = self.encoder(x)
        c = self.refine_4(self.caa(block_4))  # (N, 256, H/32, W/32)
        r_3 = self.refine_3(self.fuse_3(c, block_3, c))  # (N, 256, H/16, W/16)
        r_2 = self.refine_2(self.fuse_2(c, block_2, r_3))  # (N, 256, H/8, W/8)
        r_1 = self.refine_1(self.fuse_1(c, block_1, r_2))  # (N, 256, H/4, W/4)
        coarse = _resize(self.head_1(r_1), x)  # (N, 1, H, W)
        main = self.rrm(coarse)  # (N, 1, H, W)
        if not self.training:
            return Logits(main)
        deeper = zip((self.head_2, self.head_3, self.head_4), (r_2, r_3, c), strict=True)
        return Logits(main, (coarse, *(_resize(head(r), x) for head, r in deeper)))


def _block(c_in: int, c_mid: int, stride: int, n: int) -> nn.Sequential:
    """Return `n` bottlenecks, the first of which changes size and width."""
    return nn.Sequential(Bottleneck(c_in, c_mid, stride), *(Bottleneck(4 * c_mid, c_mid, 1) for _ in range(n - 1)))


def _resize(x: Tensor, like: Tensor) -> Tensor:
    """Bring `x` to the height and width of `like`, bilinearly."""
    return x if x.shape[-2:] == like.shape[-2:] else F.interpolate(x, like.shape[-2:], mode="bilinear")


NETWORK = FusionLungNet
ALGORITHM = "fusionlungnet/1"  # raise it when other weights are needed
