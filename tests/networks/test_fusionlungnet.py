"""P1 against its figure and equations."""

import pytest
import torch
from torch.nn import functional as F

from node.segment.networks.fusionlungnet import (
    ChannelAttention,
    FeatureFusion,
    FusionLungNet,
    ResidualRefinement,
    SelfRefinement,
)


def test_the_encoder_gives_four_blocks_at_the_papers_sizes():
    blocks = FusionLungNet(width=64).encoder.eval()(torch.rand(1, 1, 64, 64))

    assert [tuple(b.shape[1:]) for b in blocks] == [(256, 16, 16), (512, 8, 8), (1024, 4, 4), (2048, 2, 2)]


def test_four_further_maps_of_full_size_are_supervised_in_training():
    output = FusionLungNet(width=4).train()(torch.rand(2, 1, 64, 48))

    assert [tuple(a.shape) for a in output.auxiliary] == [(2, 1, 64, 48)] * 4


def test_channel_attention_weighs_each_channel_with_one_number():
    torch.manual_seed(0)
    attention = ChannelAttention(8, 4, bounded=True).eval()
    x = torch.rand(1, 8, 6, 6)

    with torch.inference_mode():
        i_4 = attention.reduce(x)
        w = attention(x) / i_4

    known = i_4[0] > 1e-3
    spread = [float(w[0, c][known[c]].max() - w[0, c][known[c]].min()) for c in range(4) if known[c].any()]
    assert spread
    assert max(spread) < 1e-4
    assert 0.0 <= float(w[0][known].min()) <= float(w[0][known].max()) <= 1.0


def test_the_printed_form_of_attention_is_not_bounded():
    attention = ChannelAttention(8, 4, bounded=False).eval()
    x = torch.rand(1, 8, 6, 6) * 100
    i_4 = attention.reduce(x)

    expected = i_4 * attention.lines(i_4).mean((2, 3), keepdim=True)

    assert torch.allclose(attention(x), expected)


def test_fusion_takes_the_three_products_at_the_size_of_its_second_input():
    fuse = FeatureFusion(3, 5, 7, 4).eval()
    i_1, i_2, i_3 = torch.rand(1, 3, 4, 4), torch.rand(1, 5, 8, 8), torch.rand(1, 7, 2, 2)
    a = F.interpolate(fuse.conv_1(i_1), (8, 8), mode="bilinear")
    b = fuse.conv_2(i_2)
    c = F.interpolate(fuse.conv_3(i_3), (8, 8), mode="bilinear")

    assert torch.allclose(fuse(i_1, i_2, i_3), fuse.merge(torch.cat((a * b, a * c, b * c), 1)), atol=1e-6)


def test_self_refinement_multiplies_and_adds_what_it_learnt():
    refine = SelfRefinement(3).eval()
    x = torch.rand(1, 3, 5, 5)
    f_1 = refine.conv_1(x)
    f_2 = refine.conv_2(f_1)

    assert torch.allclose(refine(x), F.relu(f_2[:, :3] * f_1 + f_2[:, 3:]))


def test_refinement_is_added_to_the_coarse_map():
    refine = ResidualRefinement(4).eval()
    torch.nn.init.zeros_(refine.head.weight)
    torch.nn.init.zeros_(refine.head.bias)
    coarse = torch.randn(1, 1, 37, 50)

    assert torch.equal(refine(coarse), coarse)


@pytest.mark.parametrize("switch", ["mff", "sr", "rrm"])
def test_a_module_that_is_switched_off_takes_its_parameters_with_it(switch):
    n_all, n_less = (sum(p.numel() for p in FusionLungNet(width=4, **s).parameters()) for s in ({}, {switch: False}))

    assert n_less < n_all
    assert FusionLungNet(width=4, **{switch: False}).eval()(torch.rand(1, 1, 64, 64)).main.shape == (1, 1, 64, 64)
