"""P2: its gate as printed, Oktay's beside it, and the switches of its ablations."""

import pytest
import torch

from node.segment.networks.attention_unet_hybrid import AttentionUNet, DoubleConv, Gate, LinearGate, OktayGate


@pytest.fixture(autouse=True)
def _same_weights():
    torch.manual_seed(0)


def test_equation_6_is_one_linear_map_behind_a_sigmoid():
    gate = LinearGate(3, 5)
    x, g = torch.rand(1, 3, 4, 6), torch.rand(1, 5, 4, 6)
    linear = sum(
        w * c for w, c in zip((*gate.w_x.weight.ravel(), *gate.w_g.weight.ravel()), (*x[0], *g[0]), strict=True)
    )

    assert torch.allclose(gate(x, g)[0, 0], torch.sigmoid(linear + gate.w_g.bias), atol=1e-6)


def test_oktays_gate_has_a_relu_inside():
    gate = OktayGate(4, 5)
    x, g = torch.rand(1, 4, 4, 6), torch.rand(1, 5, 4, 6)
    torch.nn.init.constant_(gate.w_g.bias, -100.0)

    assert torch.allclose(gate(x, g), torch.sigmoid(gate.psi.bias).expand(1, 1, 4, 6), atol=1e-6)


@pytest.mark.parametrize("gate", list(Gate), ids=[gate.name for gate in Gate])
@pytest.mark.parametrize("residual", [True, False], ids=["residual", "plain"])
def test_every_variant_answers_at_the_size_of_an_odd_picture(gate, residual):
    network = AttentionUNet(channels=3, width=4, gate=gate, residual=residual).eval()

    assert network(torch.rand(1, 3, 37, 51)).main.shape == (1, 1, 37, 51)


@pytest.mark.parametrize("gate", [Gate.NONE, Gate.OKTAY], ids=["none", "oktay"])
@pytest.mark.parametrize("norm", [True, False], ids=["norm", "as printed"])
def test_a_gradient_reaches_every_parameter_of_a_variant(gate, norm):
    network = AttentionUNet(width=4, gate=gate, residual=False, norm=norm).train()

    network(torch.rand(2, 1, 64, 64)).main.square().mean().backward()

    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().any()] == []


def test_without_a_gate_there_is_nothing_to_learn_in_its_place():
    counts = {gate: sum(p.numel() for p in AttentionUNet(width=4, gate=gate).parameters()) for gate in Gate}

    # eq. 6: per level w_x, w_g and b: (4 + 8 + 1) + (8 + 16 + 1) + (16 + 32 + 1) + (32 + 64 + 1)
    assert counts[Gate.EQ6] - counts[Gate.NONE] == 184
    assert counts[Gate.OKTAY] > counts[Gate.EQ6]


def test_the_residual_is_the_input_added_before_the_last_relu():
    block = DoubleConv(4, 4, residual=True, norm=False)
    torch.nn.init.zeros_(block.conv_2.weight)
    torch.nn.init.zeros_(block.conv_2.bias)
    x = torch.randn(1, 4, 5, 5)

    assert torch.equal(block(x), torch.relu(x))


def test_a_closed_gate_shuts_its_skip():
    network = AttentionUNet(width=4, depth=1, norm=False, residual=False).eval()
    torch.nn.init.constant_(network.up[0].gate.w_g.bias, -200.0)
    x = torch.rand(1, 1, 8, 8)
    before = network(x).main
    with torch.no_grad():
        network.up[0].conv.conv_1.weight[:, :4] = 7.0  # what the skip is weighed by after the gate

    assert torch.allclose(network(x).main, before, atol=1e-4)


def test_the_maps_of_attention_lie_between_0_and_1_coarsest_first():
    with torch.inference_mode():
        alphas = AttentionUNet(width=4).eval().attention(torch.rand(1, 1, 64, 48))

    assert [tuple(a.shape) for a in alphas] == [(1, 1, 8, 6), (1, 1, 16, 12), (1, 1, 32, 24), (1, 1, 64, 48)]
    assert all(float(a.min()) > 0.0 and float(a.max()) < 1.0 for a in alphas)


def test_the_papers_widths_make_32_million_parameters():
    with torch.device("meta"):
        assert sum(p.numel() for p in AttentionUNet().parameters()) == 32_432_069
