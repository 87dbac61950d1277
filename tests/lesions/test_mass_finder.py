"""The tumour network is asked about the slices near a mass, and what it adds belongs to the lung beside it."""

import numpy as np
import pytest
import torch
from torch import nn

from node.errors import Misconfigured
from node.segment.contract import ModelIdentity, Task
from node.segment.lesions.model import LoadedNet
from node.segment.lesions.net import LesionNet, NetPlan
from node.segment.mass_finder import MassFinder, load_mass_finder
from node.segment.networks.logits import Logits
from node.segment.registry import find
from node.segment.runtime import runtime
from node.segment.working_grid import usual_grid

RIGHT, LEFT = 1, 2
IDENTITY = ModelIdentity("dense", "1", "0" * 64, Task.LESIONS, "cpu/float32/torch")


class Dense(nn.Module):
    """Says tumour where a slice is dense; counts slices."""

    def __init__(self) -> None:
        super().__init__()
        self.n_slices = 0

    def forward(self, x: torch.Tensor) -> Logits:
        self.n_slices += len(x)
        return Logits(40.0 * (x[:, 1:2] - 0.5))


def finder(network: nn.Module) -> MassFinder:
    net = LesionNet(network, NetPlan("unit", step_mm=0.0), runtime("cpu", "fp32"))
    return MassFinder(IDENTITY, LoadedNet(net, None, frozenset({"A"})))


def scan(pixel_mm: float):
    """Two lungs, a mass in the wall of the left one that its label loses on two slices."""
    n = round(120 / pixel_mm)
    mm = (np.arange(n) + 0.5) * pixel_mm
    y, x = np.meshgrid(mm, mm, indexing="ij")
    hu = np.full((40, n, n), 40, np.int16)
    labels = np.zeros(hu.shape, np.uint8)
    for label, left, right in ((RIGHT, 6, 46), (LEFT, 74, 114)):
        air = (x > left) & (x < right) & (y > 10) & (y < 110)
        hu[:, air] = -800
        labels[:, air] = label
    ball = (np.hypot(y - 60, x - 76) < 14)[None] & ((np.arange(40) >= 8) & (np.arange(40) < 18))[:, None, None]
    hu[ball] = 30
    labels[ball] = LEFT
    lost = ball & ((np.arange(40) == 12) | (np.arange(40) == 13))[:, None, None]
    labels[lost] = 0
    return hu, labels, lost


@pytest.mark.parametrize("pixel_mm", [2.0, 0.75])
def test_the_lost_slices_come_in_on_the_side_that_they_lie_on(pixel_mm):
    hu, labels, lost = scan(pixel_mm)
    grid = usual_grid(hu.shape, (3.0, pixel_mm, pixel_mm))

    found = finder(Dense()).completed(labels, hu, grid)

    assert (found[lost] == LEFT).mean() > 0.85
    assert (found[labels > 0] == labels[labels > 0]).all()
    assert ((found > 0) & (labels == 0) & ~lost).sum() < 0.1 * lost.sum()


def test_only_slices_near_a_mass_are_looked_at():
    hu, labels, _ = scan(2.0)
    network = Dense()

    finder(network).completed(labels, hu, usual_grid(hu.shape, (3.0, 2.0, 2.0)))

    assert network.n_slices == 10 + 2 * 5  # those of the mass and 15 mm on either side


def test_lungs_without_a_mass_cost_nothing():
    hu, labels, _ = scan(2.0)
    labels[hu > -250] = 0
    network = Dense()

    assert finder(network).completed(labels, hu, usual_grid(hu.shape, (3.0, 2.0, 2.0))) is labels
    assert network.n_slices == 0


@pytest.mark.parametrize("name", ["lungs-rule", "lesions-joint"])
def test_what_is_no_single_network_of_lesions_is_refused(name):
    with pytest.raises(Misconfigured) as caught:
        load_mass_finder(find(name))
    assert caught.value.code == "SYS-MODEL"
