"""P0 against its table and equations."""

import torch

from node.segment.networks.aru_net import ARUNet, AttentionGate, Fusion, ResidualBlock


def test_the_stages_have_the_sizes_of_the_papers_table():
    network = ARUNet(width=64).eval()
    sizes = []
    for module in (network.stem, *network.blocks, *network.fusions):
        module.register_forward_hook(lambda _m, _i, output: sizes.append(tuple(output.shape[1:])))

    network(torch.rand(1, 1, 64, 64))

    # stem, block 1 and 2 before their pooling, m1, m2
    assert sizes == [(64, 64, 64), (64, 64, 64), (128, 32, 32), (64, 32, 32), (64, 64, 64)]


def test_the_first_block_keeps_its_input_when_its_convolutions_give_nothing():
    block = ResidualBlock(4, 4).eval()
    torch.nn.init.zeros_(block.norm_2.weight)
    x = torch.rand(1, 4, 8, 8)

    assert torch.equal(block(x), x)  # y = F(x) + x with F = 0, eq. 1


def test_a_gate_weighs_all_channels_of_a_pixel_alike_and_between_nothing_and_all():
    gate = AttentionGate(6, 8, 3).eval()
    x, g = torch.rand(1, 6, 16, 16) + 0.1, torch.randn(1, 8, 8, 8)

    alpha = gate(x, g).detach() / x

    assert torch.allclose(alpha, alpha[:, :1].expand_as(alpha), atol=1e-6)
    assert 0 <= float(alpha.min()) <= float(alpha.max()) <= 1


def test_fusion_adds_and_does_not_concatenate():
    fusion = Fusion(4, 8).eval()
    x, g = torch.rand(1, 4, 16, 16), torch.rand(1, 8, 8, 8)

    without_skip = fusion(torch.zeros_like(x), g)

    assert torch.allclose(fusion(x, g) - without_skip, fusion.gate(x, g), atol=1e-5)  # m = u + alpha x, eq. 6


def test_further_stages_double_the_width_each():
    network = ARUNet(width=4, depth=4)

    assert [block.conv_2.out_channels for block in network.blocks] == [4, 8, 16, 32]
