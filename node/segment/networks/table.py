"""Which networks there are: every file of this folder that names a NETWORK. Deleting a file removes its network."""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from torch import nn

from node.errors import Misconfigured

_HERE = "node.segment.networks"
# what several of them share, and what gives no map
_NOT_NETWORKS = {"logits", "table", "resnet", "efficientnet", "subtype_classifier"}


def network_kinds() -> frozenset[str]:
    """Return the names that a model's `kind` may have besides `rules`."""
    package = import_module(_HERE)
    return frozenset(module.name for module in iter_modules(package.__path__)) - _NOT_NETWORKS


def build(kind: str, sizes: dict[str, int | bool]) -> nn.Module:
    """Build a network with random weights.

    Raises
    ------
    Misconfigured
        SYS-MODEL for an unknown kind or a size that it does not have.
    """
    try:
        network: nn.Module = _module(kind).NETWORK(**sizes)
    except TypeError as error:
        raise Misconfigured("SYS-MODEL", f"network {kind!r} does not take {sizes}: {error}") from error
    return network


def algorithm(kind: str) -> str:
    """Return the constant that a model's `algorithm` must equal."""
    return str(_module(kind).ALGORITHM)


def _module(kind: str) -> ModuleType:
    if kind not in network_kinds():
        known = ", ".join(sorted(network_kinds()))
        raise Misconfigured("SYS-MODEL", f"network {kind!r} is not in this program; there are: {known}")
    return import_module(f"{_HERE}.{kind}")
