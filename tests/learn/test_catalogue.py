"""Everything that can be trained can be built, and keeps the size of its picture."""

import pytest
import torch

from node.errors import InputRefused
from node.learn.catalogue import ENTRIES, entry
from node.learn.protocol import paper, reduced


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_every_system_answers_at_the_size_of_the_picture(name):
    chosen = entry(name)
    network = chosen.build({**chosen.full, "width": 4, "channels": 1}).eval()

    with torch.inference_mode():
        output = network(torch.rand(1, 1, 256, 256))

    assert output.main.shape == (1, 1, 256, 256)
    assert output.auxiliary == ()


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_the_reduced_protocol_is_the_same_for_all_but_the_depth_of_p0(name):
    plan = reduced(entry(name))

    assert (plan.size, plan.schedule, plan.sizes["width"]) == (256, reduced(entry("unet")).schedule, 16)


def test_the_papers_sizes_and_schedules_are_theirs():
    p0, p1 = paper(entry("aru-net")), paper(entry("fusionlungnet"))

    assert (p0.sizes["width"], p0.sizes["depth"], p0.schedule.lr, p0.schedule.batch) == (64, 2, 1e-4, 8)
    assert (p1.sizes["width"], p1.size, p1.schedule.lr, p1.schedule.batch) == (64, 320, 1e-4, 32)


def test_an_unknown_name_is_refused_with_those_that_there_are():
    with pytest.raises(InputRefused, match="fusionlungnet"):
        entry("no-such-net")


@pytest.mark.parametrize("name", ["dynunet", *(name for name, one in ENTRIES.items() if one.kind != "monai")])
def test_every_weight_of_a_network_is_moved_by_its_own_loss(name):
    chosen = entry(name)
    torch.manual_seed(0)
    network = chosen.build(dict(chosen.full) | {"width": 4}).train()

    x = torch.rand(2, 1, 64, 64)
    chosen.loss(network(x), (x > 0.5).float(), None).backward()

    assert [n for n, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()] == []
