"""Batch normalisation taken into the convolution before it: the same answer with fewer passes over the maps.

In evaluation both are linear: gamma (w x - mean) / sd + beta = (gamma w / sd) x + (beta - gamma mean / sd). A pair is
folded only where the trace of the block that calls it (`torch.fx`) shows that the normalisation reads the convolution,
that nothing else reads it and that both are called once. Blocks that cannot be traced, and normalisations that come
before their convolution or after a transposed one (BCDU-Net's: nothing was gained), stay as they are.
"""

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy

from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

_WITHOUT_FORWARD = "maps"  # what our encoders are called by


def folded(network: nn.Module) -> nn.Module:
    """Return a copy of a network, for evaluation, whose convolutions hold the normalisation after them."""
    copy = deepcopy(network).eval()
    n_places = Counter(id(module) for _, module in copy.named_modules(remove_duplicate=False))
    for block in list(copy.modules()):
        for conv_name, norm_name in list(_pairs(block)):
            conv, norm = block.get_submodule(conv_name), block.get_submodule(norm_name)
            fused = _fused(conv, norm)
            if fused is not None and n_places[id(conv)] == n_places[id(norm)] == 1:
                block.set_submodule(conv_name, fused)
                block.set_submodule(norm_name, nn.Identity())
    return copy


def _fused(conv: nn.Module, norm: nn.Module) -> nn.Module | None:
    """Return one convolution for both; None where they are something else."""
    if type(conv) is not nn.Conv2d or type(norm) is not nn.BatchNorm2d or norm.running_mean is None:
        return None
    return fuse_conv_bn_eval(conv, norm)


def _pairs(block: nn.Module) -> Iterator[tuple[str, str]]:
    """Yield the names of two modules of a block, the second of which alone reads the first; it calls both once."""
    graph = _graph(block)
    calls = [] if graph is None else [node for node in graph.nodes if node.op == "call_module"]
    n_calls = Counter(node.target for node in calls)
    for node in calls:
        before = node.args[0] if node.args else None
        if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) != 1:
            continue
        if n_calls[before.target] == n_calls[node.target] == 1:
            yield str(before.target), str(node.target)


def _graph(block: nn.Module) -> fx.Graph | None:
    """Return what a block does; None where it holds no normalisation itself, or branches on what it is given."""
    if not any(isinstance(module, nn.BatchNorm2d) for module in _own(block)):
        return None
    tracer = _OneDeep()
    if type(block).forward is nn.Module.forward:
        tracer.traced_func_name = _WITHOUT_FORWARD
    try:
        return tracer.trace(block)
    except (TypeError, ValueError, RuntimeError, AssertionError):  # a TraceError is a ValueError
        return None


class _OneDeep(fx.Tracer):
    """Traces a block with each module that it calls as one step."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:  # noqa: ARG002 - torch's signature
        """Look into none."""
        return True


def _own(block: nn.Module) -> Iterator[nn.Module]:
    """Yield a block's modules, those in its lists, too."""
    for child in block.children():
        if isinstance(child, nn.ModuleList):
            yield from _own(child)
        else:
            yield child
