"""P3: its two trunks are the published ones, each can stand alone, and its parts can be switched off."""

import pytest
import torch

from node.segment.networks.dual_backbone_unet import DilatedBottleneck, DualBackboneUNet, SqueezeExcitation
from node.segment.networks.efficientnet import EfficientNetB4
from node.segment.networks.resnet import Basic, ResNet
from node.segment.networks.subtype_classifier import SubtypeClassifier

ALONE = {"resnet": {"efficientnet": False}, "efficientnet": {"resnet": False}, "both": {}}


@pytest.fixture(autouse=True)
def _same_weights():
    torch.manual_seed(0)


def count(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_the_trunks_have_the_published_number_of_parameters():
    # torchvision's: ResNet-34 21,797,672 less its classifier; EfficientNet-B4 19,341,616 less classifier and last stage
    with torch.device("meta"):
        found = count(ResNet(Basic, 3, 64, dilated=False)), count(EfficientNetB4(3, 64))

    assert found == (21_797_672 - 513_000, 19_341_616 - 1_793_000 - 806_400)


def test_the_variant_on_resnet_has_about_29_million_parameters():
    with torch.device("meta"):
        found = {name: count(DualBackboneUNet(2, **switches)) for name, switches in ALONE.items()}

    assert found["resnet"] == pytest.approx(29e6, rel=0.15)
    assert found == {"resnet": 28_937_381, "efficientnet": 24_680_765, "both": 46_314_557}


def test_the_second_trunk_gives_strides_2_to_32():
    trunk = EfficientNetB4(1, 64).eval()

    with torch.inference_mode():
        maps = trunk.maps(torch.rand(1, 1, 64, 64))

    assert [tuple(m.shape[1:]) for m in maps] == [(24, 32, 32), (32, 16, 16), (56, 8, 8), (160, 4, 4), (448, 2, 2)]


@pytest.mark.parametrize("name", list(ALONE))
def test_each_backbone_alone_answers_at_the_size_of_an_odd_picture(name):
    network = DualBackboneUNet(2, 8, **ALONE[name]).eval()

    assert network(torch.rand(1, 2, 37, 70)).main.shape == (1, 1, 37, 70)


def test_no_backbone_at_all_is_refused():
    with pytest.raises(TypeError, match="backbone"):
        DualBackboneUNet(resnet=False, efficientnet=False)


@pytest.mark.parametrize(
    "switches", [{"efficientnet": False}, {"resnet": False}, {"dilation": False}, {"se": False}], ids=str
)
def test_a_gradient_reaches_every_parameter_of_a_variant(switches):
    network = DualBackboneUNet(1, 8, **switches).train()

    network(torch.rand(2, 1, 64, 64)).main.square().mean().backward()

    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().any()] == []


@pytest.mark.parametrize("switch", ["resnet", "efficientnet", "se"])
def test_a_part_that_is_switched_off_takes_its_parameters_with_it(switch):
    assert count(DualBackboneUNet(1, 8, **{switch: False})) < count(DualBackboneUNet(1, 8))


def test_the_bottleneck_sees_as_far_as_its_rates():
    bottleneck = DilatedBottleneck(4).eval()
    x = torch.zeros(1, 4, 33, 33, requires_grad=True)

    bottleneck.branches[3](x)[0, 0, 16, 16].backward()
    rows = torch.nonzero(x.grad.abs().sum((0, 1, 3))).ravel().tolist()

    assert rows == [8, 16, 24]
    assert [branch.dilation[0] for branch in bottleneck.branches] == [1, 2, 4, 8]


def test_squeeze_and_excitation_weighs_whole_channels():
    x = torch.rand(1, 32, 5, 5) + 0.1

    weights = SqueezeExcitation(32)(x) / x

    assert torch.allclose(weights, weights.mean((2, 3), keepdim=True).expand_as(weights), atol=1e-5)


def test_the_classifier_is_a_resnet_18():
    with torch.device("meta"):
        n = count(SubtypeClassifier(3, 64, 1000))

    assert n == 11_689_512  # torchvision's


def test_the_classifier_gives_one_logit_a_class_and_learns():
    network = SubtypeClassifier(2, 8).train()
    x = torch.rand(4, 2, 64, 64)
    y = torch.arange(4)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(network(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    assert network(x).argmax(1).tolist() == [0, 1, 2, 3]
    assert all(p.grad.abs().any() for p in network.parameters())
