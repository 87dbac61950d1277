"""The baselines that MONAI has, brought to one width: for comparison only, never shipped.

Imported when one of them is asked for; the node runs without MONAI.
"""

from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from node.errors import InputRefused, Misconfigured
from node.learn.sizes import Sizes
from node.segment.networks.logits import Logits

RUN_NETWORK = "unet-3d"  # the one that answers runs of slices
# Of which sides must be multiples; 0: the size that it was built for. 64: a fifth halving must leave more than a pixel.
_MULTIPLE = {"attention-unet": 16, "unet++": 16, "unetr": 0, "swin-unetr": 64, "dynunet": 64, RUN_NETWORK: 16}
_STRIDES_3D = ((1, 2, 2), (2, 2, 2), (2, 2, 2), (1, 2, 2))  # a run of eight slices is halved twice
_SLICES = 4  # of which runs must be a multiple, therefore


class Padded(nn.Module):
    """A MONAI network that needs sizes of a multiple; the picture is padded by its edge and the answer cut back."""

    def __init__(self, inner: nn.Module, multiple: int) -> None:
        super().__init__()
        self.inner = inner
        self.multiple = multiple

    def forward(self, x: Tensor) -> Logits:  # (N, channels, H, W)
        """Return the logits, and the further maps that a network gives in training."""
        h, w = x.shape[-2:]
        below, right = (-n % self.multiple for n in (h, w))
        answer: Any = self.inner(nn.functional.pad(x, (0, right, 0, below), mode="replicate"))
        if isinstance(answer, list | tuple):
            answer = torch.stack(list(answer), 1)
        maps = answer.unbind(1) if answer.ndim == x.ndim + 1 else (answer,)
        main, *further = (m[..., :h, :w] for m in maps)
        return Logits(main, tuple(further) if self.training else ())


class PaddedRun(nn.Module):
    """MONAI's 3D U-Net over a run of slices, as P4 is asked; what is padded is the last slice and the edge."""

    def __init__(self, inner: nn.Module, multiple: int) -> None:
        super().__init__()
        self.inner = inner
        self.multiple = multiple

    def forward(self, x: Tensor, _valid: Tensor | None = None) -> Logits:  # (B, T, channels, H, W)
        """Return the logits, (B, T, 1, H, W); slices that are not there are answered, too."""
        t, (h, w) = x.shape[1], x.shape[-2:]
        after, below, right = -t % _SLICES, -h % self.multiple, -w % self.multiple
        padded = nn.functional.pad(x.transpose(1, 2), (0, right, 0, below, 0, after), mode="replicate")
        with torch.autocast(x.device.type, enabled=False):  # bf16 gradients of torch 2.13's 3D convolutions are NaN
            answer: Tensor = self.inner(padded.float())  # (B, 1, T, H, W)
        return Logits(answer[:, :, :t, :h, :w].transpose(1, 2))


def build(name: str, size: int, sizes: Sizes) -> nn.Module:
    """Build one of MONAI's networks for pictures of `size`.

    Raises
    ------
    Misconfigured
        SYS-MONAI if MONAI is not installed.
    InputRefused
        MODEL-UNKNOWN for a name that is not one of these.
    """
    if name not in _MULTIPLE:
        raise InputRefused("MODEL-UNKNOWN", f"{name!r} is none of {', '.join(sorted(_MULTIPLE))}")
    try:
        nets: Any = import_module("monai.networks.nets")  # an optional library
    except ImportError as error:
        raise Misconfigured("SYS-MONAI", "this baseline needs MONAI: pip install 'lungnode[learn]'") from error
    f, channels = int(sizes["width"]), int(sizes["channels"])
    widths = [f, 2 * f, 4 * f, 8 * f, 16 * f]
    inner = {
        "attention-unet": lambda: nets.AttentionUnet(2, channels, 1, widths, (2, 2, 2, 2)),
        "unet++": lambda: nets.BasicUNetPlusPlus(2, channels, 1, (*widths, f), norm=("batch", {"affine": True})),
        "unetr": lambda: nets.UNETR(
            channels, 1, size, feature_size=f, hidden_size=16 * f, mlp_dim=64 * f, num_heads=4, spatial_dims=2
        ),
        "swin-unetr": lambda: nets.SwinUNETR(
            in_channels=channels, out_channels=1, feature_size=12 * max(f // 12, 1), spatial_dims=2
        ),
        "dynunet": lambda: nets.DynUNet(
            2, channels, 1, [3] * 6, [1, 2, 2, 2, 2, 2], [2] * 5, [*widths, 16 * f], norm_name="instance",
            deep_supervision=True, deep_supr_num=2,
        ),
        RUN_NETWORK: lambda: nets.UNet(3, channels, 1, widths, _STRIDES_3D, num_res_units=0, norm="batch"),
    }  # fmt: skip
    if name == RUN_NETWORK:
        return PaddedRun(inner[name](), _MULTIPLE[name])
    return Padded(inner[name](), _MULTIPLE[name] or size)
