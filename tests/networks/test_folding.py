"""Folded networks answer as before, for every network of the folder; what may not be folded is left alone."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from node.segment.folding import folded
from node.segment.networks import table

KINDS = sorted(table.network_kinds())
LEFT = {"raemd_net": 4, "bcdu_net": 3}  # the dense block normalises first; after transposed convolutions


def learnt(network: nn.Module) -> nn.Module:
    """Give a network the statistics and scales of one that has learnt something, drawn."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0.0, 0.3)
            module.running_var.uniform_(0.3, 3.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)
    return network.eval()


def norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


@pytest.mark.parametrize("kind", KINDS)
def test_a_folded_network_gives_the_same_logits_and_the_same_ones_every_time(kind):
    torch.manual_seed(1)
    network = learnt(table.build(kind, {"width": 4}))
    before = {name: t.clone() for name, t in network.state_dict().items()}
    x = torch.rand(2, 1, 75, 53)

    one = folded(network)

    with torch.inference_mode():
        expected, found, again = network(x).main, one(x).main, folded(network)(x).main
    assert (found - expected).abs().max() <= 1e-4
    assert (found - expected).abs().max() <= 1e-3 * expected.std()  # some say nearly the same everywhere
    assert torch.equal(found, again)
    assert norms(network) >= norms(one) == LEFT.get(kind, 0)
    assert all(torch.equal(t, before[name]) for name, t in network.state_dict().items())  # the network itself is left


class Block(nn.Module):
    """One convolution and one normalisation, used as `way` says."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.conv, self.norm = nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2)

    def forward(self, x: Tensor) -> Tensor:
        if self.way == "norm first":
            return self.conv(self.norm(x))
        if self.way == "looks at values" and bool(x.sum() > 0):
            return self.norm(x)
        y = self.conv(x)
        if self.way == "twice":
            return self.norm(self.conv(y))
        if self.way == "something between":
            return self.norm(F.relu(y))
        return self.norm(y) + (y if self.way == "read by others" else 0.0)


@pytest.mark.parametrize("way", ["norm first", "twice", "something between", "read by others", "looks at values"])
def test_a_pair_that_is_none_is_left_alone(way):
    block = learnt(Block(way))
    x = torch.randn(1, 2, 8, 8)

    one = folded(block)

    assert norms(one) == 1
    assert torch.equal(one(x), block(x))


def test_a_pair_that_two_blocks_share_is_left_alone():
    block = learnt(Block("plain"))
    both = nn.ModuleList([nn.Sequential(block.conv, block.norm), nn.Sequential(block.conv, nn.ReLU())])

    assert norms(folded(both)) == 1
    assert norms(folded(block)) == 0
