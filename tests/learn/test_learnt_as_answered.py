"""What a tumour network is judged by while it learns is what it answers on a scan: one network, one answer."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from node.learn.index import Row
from node.learn.lesion_catalogue import LesionPlan, lesion_entry, reduced
from node.learn.lesion_score import predict
from node.learn.lesion_set import LesionSet, load
from node.learn.lesion_train import build
from node.learn.planes import Plane
from node.segment.folding import folded
from node.segment.lesions.model import net_plan_of
from node.segment.lesions.net import LesionNet
from node.segment.preprocess.lesion_recipes import recipe
from node.segment.runtime import runtime

_SLICES, _SIDE, _STEP_MM = 10, 64, 2.5
_MOMENTS_HU = (-480.0, 310.0)
_PLACE = runtime("cpu", "float32")
_ROUNDED = 0.5 / 255.0 + 1e-4  # answers on a scan are whole 255ths


@pytest.fixture
def hu_zyx() -> np.ndarray:
    """Noise with a dense bar that wanders through the slices."""
    hu = np.random.default_rng(0).normal(-500.0, 300.0, (_SLICES, _SIDE, _SIDE)).astype(np.int16)
    for z in range(_SLICES):
        hu[z, 10:40, 10 + z : 30 + z] = 40
        hu[z, 45:, :30] = 900
    return hu


def a_set(hu_zyx: np.ndarray) -> LesionSet:
    nothing = np.zeros(hu_zyx.shape[1:], np.uint8)
    at = np.arange(len(hu_zyx))
    planes = tuple(Plane(str(z), "A", "volume", hu, nothing, "A", z, _STEP_MM) for z, hu in enumerate(hu_zyx))
    return LesionSet(planes, np.maximum(at - 1, 0), np.minimum(at + 1, len(hu_zyx) - 1))


def a_network(name: str, plan: LesionPlan, data: LesionSet) -> nn.Module:
    """Return a network with statistics of its own whose answers on this set reach from 0 to 1."""
    torch.manual_seed(0)
    network = build(lesion_entry(name), plan)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0.0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, 0.0, 0.5)
    head = network.get_submodule("head")
    nn.init.zeros_(head.bias)
    found = predict(network, data, plan, recipe(plan.recipe, *_MOMENTS_HU), _PLACE)
    logits = torch.logit(torch.from_numpy(np.stack([p for _, p in found])))
    with torch.no_grad():
        head.weight.mul_(2.5 / logits.std())
        head.bias.fill_(float(-2.5 * logits.mean() / logits.std()))
    return network


@pytest.mark.parametrize(("of", "flips"), [("windows", False), ("zscore", True)])
@pytest.mark.parametrize("name", ["attention-unet-hybrid", "dual-backbone-unet", "raemd-net", "unet"])
def test_a_training_and_a_scan_get_the_same_answer(hu_zyx, name, of, flips):
    plan = reduced(lesion_entry(name))
    plan = replace(plan, recipe=of, sizes={**plan.sizes, "width": 8})
    data = a_set(hu_zyx)
    network = a_network(name, plan, data)

    learnt = predict(network, data, plan, recipe(of, *_MOMENTS_HU), _PLACE, flips=flips)
    net = LesionNet(folded(network), replace(net_plan_of(asdict(plan), _MOMENTS_HU), flips=flips), _PLACE)
    everything = (slice(0, _SIDE), slice(0, _SIDE))
    answered = net.probabilities(hu_zyx, _STEP_MM, everything, np.ones(_SLICES, bool), None) / 255.0

    learnt_zyx = np.stack([p for _, p in sorted(learnt, key=lambda one: one[0])])
    assert learnt_zyx.std() > 0.2
    assert np.abs(learnt_zyx - answered).max() < _ROUNDED


def test_a_large_slice_is_reduced_for_learning_as_for_answering(tmp_path):
    grey = np.random.default_rng(0).integers(0, 255, (128, 128), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "image.png")
    Image.fromarray(np.zeros_like(grey)).save(tmp_path / "mask.png")
    values = {
        "id": "A0", "case": "A", "image": "image.png", "mask": "mask.png", "label": "255 = tumour", "domain": "hu",
        "hu_slope": "5", "hu_intercept": "-1000", "split": "train", "z_index": "0",
    }  # fmt: skip
    data = load([Row(tmp_path, values)], 64)
    plan = replace(reduced(lesion_entry("unet")), recipe="zscore", neighbours=0, size=64)
    network = a_network("unet", replace(plan, sizes={**plan.sizes, "width": 4}), data)

    ((_, learnt),) = predict(network, data, plan, recipe("zscore", *_MOMENTS_HU), _PLACE)
    net = LesionNet(folded(network), net_plan_of(asdict(plan), _MOMENTS_HU), _PLACE)
    hu = (grey.astype(np.int16) * 5 - 1000)[None]
    answered = net.probabilities(hu, _STEP_MM, (slice(0, 128), slice(0, 128)), np.ones(1, bool), None)[0] / 255.0

    logits = torch.logit(torch.from_numpy(learnt))[None, None]
    native = torch.sigmoid(F.interpolate(logits, (128, 128), mode="bilinear"))[0, 0].numpy()
    assert np.abs(native - answered).max() < _ROUNDED + 0.005  # HU are kept as whole numbers for learning
