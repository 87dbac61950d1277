"""The papers' losses against values computed by hand."""

from math import log

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from node.learn.losses import bce, dice, focal, iou, p0_loss, p1_loss, ssim
from node.segment.networks.logits import Logits

# two pixels: p = 0.8 on a 1, p = 0.4 on a 0
P = (0.8, 0.4)
LOGITS = torch.tensor([[[[log(0.8 / 0.2), log(0.4 / 0.6)]]]])
TARGET = torch.tensor([[[[1.0, 0.0]]]])


def test_bce_is_the_mean_over_pixels():
    assert float(bce(LOGITS, TARGET)) == pytest.approx(-(log(0.8) + log(0.6)) / 2, rel=1e-6)


def test_dice_is_one_less_twice_the_product_over_the_sum():
    assert float(dice(LOGITS, TARGET)) == pytest.approx(1 - (2 * 0.8 + 1e-5) / (1 + 1.2 + 1e-5), rel=1e-6)


def test_p0_weighs_both_halves_alike():
    expected = 0.5 * -(log(0.8) + log(0.6)) / 2 + 0.5 * (1 - (1.6 + 1e-5) / (2.2 + 1e-5))

    assert float(p0_loss(Logits(LOGITS), TARGET)) == pytest.approx(expected, rel=1e-6)


def test_focal_weighs_the_lung_by_a_quarter_and_the_rest_by_three():
    on = 0.25 * 0.2**2 * -log(0.8)
    off = 0.75 * 0.4**2 * -log(0.6)

    assert float(focal(LOGITS, TARGET)) == pytest.approx((on + off) / 2, rel=1e-6)


def test_iou_is_taken_per_picture():
    two = torch.cat((LOGITS, torch.full_like(LOGITS, 30.0)))
    targets = torch.cat((TARGET, torch.ones_like(TARGET)))
    first = 1 - (0.8 + 1e-6) / (1.2 + 1 - 0.8 + 1e-6)

    assert float(iou(two, targets)) == pytest.approx((first + 0.0) / 2, abs=1e-6)


def test_ssim_of_equal_pictures_costs_nothing():
    y = (torch.rand(1, 1, 24, 24) > 0.5).float()

    assert float(ssim((y - 0.5) * 80, y)) == pytest.approx(0.0, abs=1e-5)


def test_ssim_multiplies_its_two_brackets_over_gaussian_windows():
    rng = np.random.default_rng(0)
    p, y = rng.random((20, 23)), (rng.random((20, 23)) > 0.5).astype(float)

    def mean(a):
        return gaussian_filter(a, 1.5, truncate=5 / 1.5)[5:-5, 5:-5]

    var_p, var_y = mean(p * p) - mean(p) ** 2, mean(y * y) - mean(y) ** 2
    luminance = (2 * mean(p) * mean(y) + 1e-4) / (mean(p) ** 2 + mean(y) ** 2 + 1e-4)
    structure = (2 * (mean(p * y) - mean(p) * mean(y)) + 9e-4) / (var_p + var_y + 9e-4)
    logits = torch.from_numpy(np.log(p / (1 - p)))[None, None].float()

    found = float(ssim(logits, torch.from_numpy(y)[None, None].float()))

    assert found == pytest.approx(1 - (luminance * structure).mean(), abs=1e-5)


def test_p1_adds_the_supervised_maps_with_weight_one():
    logits, y = torch.randn(1, 1, 16, 16), (torch.rand(1, 1, 16, 16) > 0.5).float()
    alone = float(p1_loss(Logits(logits), y))

    assert alone == pytest.approx(
        0.3 * float(focal(logits, y)) + 0.4 * float(ssim(logits, y)) + 0.3 * float(iou(logits, y)), rel=1e-5
    )
    assert float(p1_loss(Logits(logits, (logits,) * 4), y)) == pytest.approx(5 * alone, rel=1e-5)


def test_sums_of_half_precision_logits_do_not_overflow():
    many = torch.full((1, 1, 512, 512), 20.0, dtype=torch.bfloat16)

    assert float(dice(many, torch.ones(1, 1, 512, 512))) == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize("loss", [bce, dice, focal, iou])
def test_a_pixel_of_weight_three_counts_as_three_pixels(loss):
    thrice = loss(
        torch.cat((LOGITS, LOGITS[..., :1], LOGITS[..., :1]), -1),
        torch.cat((TARGET, TARGET[..., :1], TARGET[..., :1]), -1),
    )
    weight = torch.ones_like(TARGET)
    weight[..., :1] = 3.0
    assert float(loss(LOGITS, TARGET, weight)) == pytest.approx(float(thrice), rel=1e-6)


def test_the_likeness_of_structure_weighs_its_windows_by_their_centre():
    logits, y = torch.zeros(1, 1, 11, 12), torch.zeros(1, 1, 11, 12)
    y[..., 6:] = 1.0
    left, right = (float(ssim(logits[..., i : i + 11], y[..., i : i + 11])) for i in (0, 1))
    weight = torch.ones_like(y)
    weight[0, 0, 5, 5] = 3.0
    assert float(ssim(logits, y, weight)) == pytest.approx((3 * left + right) / 4, rel=1e-5)
