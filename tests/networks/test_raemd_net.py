"""P4: equations 3.1 to 3.9, runs that are shorter than the others, and the rows of its ablation."""

import pytest
import torch
from torch.nn import functional as F

from node.segment.networks.raemd_net import ConvLSTM, MultiScale, RAEMDNet, ResidualAttention

# the paper's rows, each with what the one before has
ROWS = [
    {"multi_scale": False, "dense": False, "attention": False, "lstm": False},
    {"dense": False, "attention": False, "lstm": False},
    {"attention": False, "lstm": False},
    {"lstm": False},
    {"bidirectional": False},
    {},
]


@pytest.fixture(autouse=True)
def _same_weights():
    torch.manual_seed(0)


def test_the_lstm_follows_equation_3_4():
    lstm = ConvLSTM(2)
    x = torch.randn(1, 3, 2, 5, 5)
    h = c = torch.zeros(1, 2, 5, 5)
    expected = []
    for t in range(3):
        gates = []
        for k in range(4):
            at = slice(2 * k, 2 * k + 2)
            w = F.conv2d(x[:, t], lstm.w.weight[at], lstm.w.bias[at], padding=1)
            gates.append(w + F.conv2d(h, lstm.u.weight[at], padding=1))
        i, f, o = (torch.sigmoid(gate) for gate in gates[:3])
        c = f * c + i * torch.tanh(gates[3])
        h = o * torch.tanh(c)
        expected.append(h)

    assert torch.allclose(lstm(x, torch.ones(1, 3, dtype=torch.bool)), torch.stack(expected, 1), atol=1e-6)


def test_a_short_run_is_answered_as_if_it_stood_alone():
    network = RAEMDNet(width=4).eval()
    long, short = torch.rand(5, 1, 32, 32), torch.rand(3, 1, 32, 32)
    both = torch.zeros(2, 5, 1, 32, 32)
    both[0], both[1, :3] = long, short
    both[1, 3:] = 1e4  # what is padded with must not matter
    valid = torch.tensor([[True] * 5, [True, True, True, False, False]])

    found = network(both, valid).main

    assert torch.allclose(found[0], network(long).main, atol=1e-5)
    assert torch.allclose(found[1, :3], network(short).main, atol=1e-5)
    assert not found[1, 3:].any()


def test_a_padded_slice_changes_no_batch_statistics():
    pictures = torch.rand(2, 3, 1, 32, 32)
    pictures[1, 2] = 1e4
    valid = torch.tensor([[True, True, True], [True, True, False]])
    network = RAEMDNet(width=4).train()

    network(pictures, valid)

    assert float(network.stages[0].fine[1].running_mean.abs().max()) < 1.0


def test_pictures_alone_are_one_run():
    network = RAEMDNet(width=4).eval()
    x = torch.rand(4, 1, 32, 32)

    assert torch.equal(network(x).main, network(x[None]).main[0])


@pytest.mark.parametrize(("bidirectional", "moves"), [(True, True), (False, False)])
def test_only_both_directions_let_a_later_slice_speak_of_an_earlier_one(bidirectional, moves):
    network = RAEMDNet(width=4, bidirectional=bidirectional).eval()
    x = torch.rand(3, 1, 32, 32)
    other = x.clone()
    other[2] = torch.rand(1, 32, 32)

    assert torch.equal(network(x).main[0], network(other).main[0]) is not moves


def test_without_the_lstm_slices_do_not_see_each_other():
    network = RAEMDNet(width=4, lstm=False).eval()
    x = torch.rand(3, 1, 32, 32)

    assert torch.allclose(network(x).main[1], network(x[1:2]).main[0], atol=1e-6)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_row_of_the_ablation_answers_and_learns_with_all_its_parameters(row):
    network = RAEMDNet(width=4, **row).train()
    main = network(torch.rand(1, 2, 1, 45, 51)).main

    main.square().mean().backward()

    assert main.shape == (1, 2, 1, 45, 51)
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().any()] == []


def test_each_row_of_the_ablation_has_more_parameters_than_the_one_before():
    counts = [sum(p.numel() for p in RAEMDNet(width=8, **row).parameters()) for row in ROWS]

    assert counts == sorted(set(counts))


def test_residual_attention_adds_both_weighed_maps():
    attention = ResidualAttention(8)
    f = torch.randn(1, 8, 9, 9)
    m_s = torch.sigmoid(attention.space(f))
    m_c = torch.sigmoid(attention.mlp(f.mean((2, 3), keepdim=True)) + attention.mlp(f.amax((2, 3), keepdim=True)))

    assert torch.allclose(attention(f), f * (1 + m_s + m_c), atol=1e-6)


def test_fine_and_coarse_are_concatenated_and_merged():
    block = MultiScale(1, 3).eval()
    x = torch.rand(1, 1, 9, 11)
    coarse = F.interpolate(block.coarse(F.avg_pool2d(x, 2, ceil_mode=True)), (9, 11), mode="bilinear")

    assert torch.allclose(block(x), block.merge(torch.cat((block.fine(x), coarse), 1)), atol=1e-6)


def test_the_papers_widths_make_3_4_million_parameters():
    with torch.device("meta"):
        assert sum(p.numel() for p in RAEMDNet().parameters()) == 3_394_314
