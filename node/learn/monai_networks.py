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

# Of which sides must be multiples; 0: the size that it was built for. 64: a fifth halving must leave more than a pixel.
_MULTIPLE = {"attention-unet": 16, "unet++": 16, "unetr": 0, "swin-unetr": 64, "dynunet": 64, "unet-3d": 16}


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
        "unet-3d": lambda: nets.UNet(3, channels, 1, widths, (2, 2, 2, 2), num_res_units=0, norm="batch"),
    }  # fmt: skip
    return Padded(inner[name](), _MULTIPLE[name] or size)
