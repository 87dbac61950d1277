"""Lesions of one training crop in the lung of another."""

import numpy as np
import pytest
import torch

from node.learn.transplants import TransplantPlan, with_transplants

ALWAYS = TransplantPlan(p=1.0)


@pytest.fixture
def crops() -> tuple[torch.Tensor, torch.Tensor]:
    """Two bodies of 140 x 140 pixels with one lung each; only the first has a tumour, of 12 x 12 pixels."""
    hu = torch.full((2, 3, 160, 160), -1000.0)
    hu[:, :, 10:150, 10:150] = 40.0
    hu[:, :, 30:130, 40:120] = -820.0
    tumour = torch.zeros(2, 1, 160, 160, dtype=torch.uint8)
    tumour[0, 0, 60:72, 60:72] = 1
    hu[0, :, 60:72, 60:72] = 35.0
    return hu, tumour


def test_a_lesion_comes_to_lie_in_the_other_lung_with_its_density(crops: tuple[torch.Tensor, torch.Tensor]) -> None:
    hu, tumour = crops
    changed, outlined = with_transplants(hu, tumour, np.random.default_rng(0), ALWAYS)
    assert int(outlined[1].sum()) > 100
    assert bool((hu[1, 1][outlined[1, 0] > 0] == -820.0).all())  # it was lung before
    assert float(changed[1, 1][outlined[1, 0] > 0].mean()) > 0.0
    assert torch.equal(changed[0], hu[0])  # nobody else had one to give
    assert torch.equal(outlined[0], tumour[0])


def test_neighbours_get_the_lesions_own_neighbours(crops: tuple[torch.Tensor, torch.Tensor]) -> None:
    hu, tumour = crops
    hu[0, 0, 60:72, 60:72] = -820.0  # the lesion ends below
    hu[1, 0, 100, 100] = -700.0  # and the receiving crop has neighbours of its own, too
    changed, outlined = with_transplants(hu, tumour, np.random.default_rng(0), ALWAYS)
    inside = outlined[1, 0] > 0
    assert bool((changed[1, 0][inside] == -820.0).all())
    assert float(changed[1, 2][inside].mean()) > 0.0


def test_whether_channels_differ_does_not_tell_where_a_lesion_is(crops: tuple[torch.Tensor, torch.Tensor]) -> None:
    hu, tumour = crops
    hu[0, 0, 60:72, 60:72] = -820.0  # the giving crop has neighbours of its own, the receiving one has none
    changed, outlined = with_transplants(hu, tumour, np.random.default_rng(0), ALWAYS)
    assert bool(outlined[1].any())
    assert torch.equal(changed[1, 0], changed[1, 1])
    assert torch.equal(changed[1, 2], changed[1, 1])

    hu[0] = hu[0, 1]  # now the giving crop has none, the receiving one has
    hu[1, 0, 100, 100] = -700.0
    assert not with_transplants(hu, tumour, np.random.default_rng(0), ALWAYS)[1][1].any()


def test_walls_stay_in_front_and_air_round_the_patient_gets_nothing(crops: tuple[torch.Tensor, torch.Tensor]) -> None:
    hu, tumour = crops
    lung = hu[1, 1] == -820.0
    for seed in range(20):
        changed, outlined = with_transplants(hu, tumour, np.random.default_rng(seed), ALWAYS)
        assert bool(lung[outlined[1, 0] > 0].all())
        assert torch.equal(changed[1, 1][hu[1, 1] > -300.0], hu[1, 1][hu[1, 1] > -300.0])


def test_a_lesion_that_reaches_far_stays_at_home(crops: tuple[torch.Tensor, torch.Tensor]) -> None:
    hu, tumour = crops
    tumour[0, 0, 40:120, 50:110] = 1
    changed, outlined = with_transplants(hu, tumour, np.random.default_rng(0), ALWAYS)
    assert torch.equal(changed, hu)
    assert torch.equal(outlined, tumour)


def test_the_same_draws_give_the_same_and_inputs_are_not_changed(crops: tuple[torch.Tensor, torch.Tensor]) -> None:
    before = crops[0].clone()
    first, second = (with_transplants(*crops, np.random.default_rng(3), ALWAYS)[0] for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(crops[0], before)
