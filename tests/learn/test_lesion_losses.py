"""The tumour systems' losses against values computed by hand; the moving average; what each phase freezes."""

from math import log

import pytest
import torch

from node.learn.bce_iou import bce_alone, bce_dice, bce_iou, bce_iou_of_step
from node.learn.ce_dice import ce_alone, ce_dice, run_dice, run_dice_focal
from node.learn.dice_focal import dice_alone, dice_focal, focal_alone
from node.learn.ema import Average
from node.learn.freeze import Frozen, first_leaves, freeze
from node.segment.networks.dual_backbone_unet import DualBackboneUNet
from node.segment.networks.logits import Logits

# two pixels: p = 0.8 on a 1, p = 0.4 on a 0
LOGITS = torch.tensor([[[[log(0.8 / 0.2), log(0.4 / 0.6)]]]])
TARGET = torch.tensor([[[[1.0, 0.0]]]])
BCE = -(log(0.8) + log(0.6)) / 2
FOCAL_25 = (0.25 * 0.2**2 * -log(0.8) + 0.75 * 0.4**2 * -log(0.6)) / 2
FOCAL_75 = (0.75 * 0.2**2 * -log(0.8) + 0.25 * 0.4**2 * -log(0.6)) / 2
DICE = 1 - 1.6 / 2.2


@pytest.fixture(autouse=True)
def _same_weights():
    torch.manual_seed(0)


@pytest.mark.parametrize("lam", [0.3, 0.5, 0.7])
@pytest.mark.parametrize(("alpha", "focal"), [(0.25, FOCAL_25), (0.75, FOCAL_75)])
def test_p2_weighs_dice_and_focal(lam, alpha, focal):
    found = float(dice_focal(Logits(LOGITS), TARGET, lam, alpha))

    assert found == pytest.approx(lam * DICE + (1 - lam) * focal, rel=1e-4)


def test_p2s_focal_loss_is_not_least_where_everything_is_tumour():
    everywhere = Logits(torch.full((1, 1, 1, 2), 20.0))
    right = Logits(torch.tensor([[[[20.0, -20.0]]]]))

    assert float(focal_alone(everywhere, TARGET)) > 1.0
    assert float(focal_alone(right, TARGET)) == pytest.approx(0.0, abs=1e-6)


def test_p2s_baseline_has_dice_alone():
    assert float(dice_alone(Logits(LOGITS), TARGET)) == pytest.approx(DICE, rel=1e-4)


def test_p3_adds_bce_and_iou_with_epsilon_one():
    iou = 1 - (0.8 + 1) / (1 + 1.2 - 0.8 + 1)

    assert float(bce_iou(Logits(LOGITS), TARGET)) == pytest.approx(BCE + iou, rel=1e-5)


def test_the_pictures_of_a_step_share_their_sums():
    logits = torch.cat((LOGITS, LOGITS))
    target = torch.cat((TARGET, torch.zeros_like(TARGET)))
    p_sum = float(LOGITS.sigmoid().sum())
    both = float((LOGITS.sigmoid() * TARGET).sum())

    iou = 1 - (both + 1) / (2 * p_sum + float(TARGET.sum()) - both + 1)

    bce = float(torch.nn.functional.binary_cross_entropy_with_logits(logits, target))
    assert float(bce_iou_of_step(Logits(logits), target)) == pytest.approx(bce + iou, rel=1e-5)


def test_p3_offers_bce_and_dice_and_bce_alone():
    assert float(bce_dice(Logits(LOGITS), TARGET)) == pytest.approx(BCE + 1 - 2.6 / 3.2, rel=1e-5)
    assert float(bce_alone(Logits(LOGITS), TARGET)) == pytest.approx(BCE, rel=1e-5)


def test_an_empty_picture_with_an_empty_answer_costs_nothing():
    empty = Logits(torch.full((2, 1, 8, 8), -30.0))

    assert float(bce_iou(empty, torch.zeros(2, 1, 8, 8))) == pytest.approx(0.0, abs=1e-6)


def test_p4_takes_dice_over_a_whole_run():
    logits, target = torch.cat((LOGITS, -LOGITS))[None], torch.cat((TARGET, TARGET))[None]  # one run of two slices
    p_y, p, y = 0.8 + 0.2, 0.8 + 0.4 + 0.2 + 0.6, 2.0
    dice = 1 - (2 * p_y + 1) / (p + y + 1)
    ce = (BCE * 2 - log(0.2) - log(0.4)) / 4

    assert float(run_dice(logits, target)) == pytest.approx(dice, rel=1e-5)
    assert float(ce_alone(Logits(logits), target)) == pytest.approx(ce, rel=1e-5)
    assert float(ce_dice(Logits(logits), target)) == pytest.approx(0.5 * ce + 0.5 * dice, rel=1e-5)


def test_p4_offers_dice_and_focal():
    logits, target = LOGITS[None], TARGET[None]
    dice = 1 - (1.6 + 1) / (2.2 + 1)

    assert float(run_dice_focal(Logits(logits), target)) == pytest.approx(0.5 * FOCAL_25 + 0.5 * dice, rel=1e-5)


@pytest.mark.parametrize("loss", [ce_dice, ce_alone, run_dice_focal], ids=lambda loss: loss.__name__)
def test_padded_slices_count_nowhere(loss):
    logits, target = LOGITS[None], TARGET[None]
    padded = torch.cat((logits, torch.full_like(logits, 9.0)), 1)
    truth = torch.cat((target, torch.zeros_like(target)), 1)

    found = float(loss(Logits(padded), truth, torch.tensor([[True, False]])))

    assert found == pytest.approx(float(loss(Logits(logits), target)), rel=1e-6)


def test_pictures_alone_are_one_run_to_p4():
    assert float(ce_dice(Logits(LOGITS), TARGET)) == pytest.approx(float(ce_dice(Logits(LOGITS[None]), TARGET[None])))


def test_the_average_follows_the_weights_fast_at_first_and_by_its_decay_later():
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(model.weight)
    average = Average(model, decay=0.5)
    torch.nn.init.ones_(model.weight)

    average.update(model)  # (1 + 0) / (10 + 0) stays
    first = float(average.model.weight)
    average.n_steps = 1000
    average.update(model)  # one half stays

    assert first == pytest.approx(0.9)
    assert float(average.model.weight) == pytest.approx(0.95)


def test_the_average_holds_batch_statistics_and_learns_nothing_itself():
    model = torch.nn.BatchNorm1d(2)
    average = Average(model)
    model(torch.randn(8, 2) + 5.0)
    average.update(model)

    assert average.model.num_batches_tracked == 1
    assert float(average.model.running_mean.mean()) > 0.3
    assert not any(p.requires_grad for p in average.model.parameters())


def test_the_first_phase_freezes_50_leaves_of_each_backbone_in_forward_order():
    model = DualBackboneUNet(1, 4)

    names = freeze(model, Frozen.FIRST_LEAVES)

    for trunk in ("resnet.", "efficientnet."):
        assert len([name for name in names if name.startswith(trunk)]) == 50
    assert "resnet.conv1" in names
    assert "resnet.layer4.2.conv2" not in names
    assert all(p.requires_grad for name, p in model.named_parameters() if not name.startswith(("resnet", "efficient")))


def test_leaves_are_counted_as_a_picture_meets_them():
    trunk = DualBackboneUNet(1, 4).resnet

    met = first_leaves(trunk, 6)

    unit = trunk.layer1[0]
    assert met == [trunk.conv1, trunk.bn1, unit.conv1, unit.bn1, unit.conv2, unit.bn2]
    assert trunk.training


def test_the_second_phase_freezes_the_stem_and_the_first_two_stages():
    model = DualBackboneUNet(1, 4)

    freeze(model, Frozen.STEM_AND_TWO)

    still = {name.split(".")[1] for name, p in model.named_parameters() if not p.requires_grad}
    assert still == {"conv1", "bn1", "layer1", "layer2", "conv", "norm", "stages"}
    assert model.efficientnet.stages[2][0].widen.weight.requires_grad
    assert not model.efficientnet.stages[1][0].widen.weight.requires_grad


def test_frozen_backbones_keep_their_batch_statistics_and_the_last_phase_frees_all():
    model = DualBackboneUNet(1, 4)
    freeze(model, Frozen.STEM_AND_TWO)
    frozen_statistics = model.resnet.bn1.training

    names = freeze(model, Frozen.NOTHING)

    assert (frozen_statistics, names) == (False, ())
    assert model.resnet.bn1.training
    assert all(p.requires_grad for p in model.parameters())
