"""P3's phases of training on backbones that have learnt something: what is frozen in each.

Phase 1 freezes the first 50 leaf modules of each backbone in forward order (the paper: "the initial 50 layers"), phase
2 the stem and the first two stages, phase 3 nothing. What is frozen keeps its batch statistics, too. A backbone that
has learnt nothing is not worth freezing: then the first two phases are left out.
"""

from enum import IntEnum

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from node.segment.networks.dual_backbone_unet import DualBackboneUNet
from node.segment.networks.efficientnet import EfficientNetB4
from node.segment.networks.resnet import ResNet

N_LEAVES = 50


class Frozen(IntEnum):
    """What does not move: nothing, the first 50 leaves of each backbone, or stem and first two stages."""

    NOTHING = 0
    FIRST_LEAVES = 1
    STEM_AND_TWO = 2


def freeze(model: nn.Module, frozen: Frozen) -> tuple[str, ...]:
    """Let everything else move; return the names of the modules that do not.

    Networks without P3's backbones have nothing to freeze.
    """
    model.train()
    model.requires_grad_(requires_grad=True)
    if frozen is Frozen.NOTHING or not isinstance(model, DualBackboneUNet):
        return ()
    held: list[nn.Module] = []
    for trunk in (model.resnet, model.efficientnet):
        if trunk is not None:
            held += first_leaves(trunk, N_LEAVES) if frozen is Frozen.FIRST_LEAVES else _stem_and_two(trunk)
    for module in held:
        module.requires_grad_(requires_grad=False)
        for inner in module.modules():
            if isinstance(inner, _BatchNorm):
                inner.eval()
    kept = {id(module) for module in held}
    return tuple(name for name, module in model.named_modules() if id(module) in kept)


def first_leaves(trunk: ResNet | EfficientNetB4, n: int) -> list[nn.Module]:
    """Return the first `n` modules without children that hold something, in the order in which a picture meets them."""
    met: list[nn.Module] = []
    hooks = [
        module.register_forward_hook(lambda m, _, __: met.append(m))
        for module in trunk.modules()
        if not list(module.children()) and list(module.parameters())
    ]
    first = next(trunk.parameters())
    was = {module: module.training for module in trunk.modules()}
    trunk.eval()
    with torch.no_grad():
        trunk.maps(torch.zeros(1, first.shape[1], 64, 64, device=first.device))
    for module, training in was.items():
        module.training = training
    for hook in hooks:
        hook.remove()
    return met[:n]


def _stem_and_two(trunk: ResNet | EfficientNetB4) -> list[nn.Module]:
    """Return the stem and the first two stages."""
    if isinstance(trunk, ResNet):
        return [trunk.conv1, trunk.bn1, trunk.layer1, trunk.layer2]
    return [trunk.conv, trunk.norm, trunk.stages[0], trunk.stages[1]]
