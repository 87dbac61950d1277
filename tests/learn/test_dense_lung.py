"""Dense lung that is drawn into training slices."""

import numpy as np
import torch

from node.learn.dense_lung import DensePlan, with_dense_lung


def _slices(n: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.zeros(n, 1, 96, 96, dtype=torch.uint8)
    ids[:, :, 16:80, 8:44] = 1
    ids[:, :, 30:40, 10:20] = 2
    ids[:, :, 16:80, 52:88] = 1
    return torch.where(ids == 1, -850.0, 40.0), ids


def test_only_lung_is_lifted_and_never_to_the_density_of_a_mass() -> None:
    hu, ids = _slices()
    drawn = with_dense_lung(hu, ids, np.random.default_rng(0), DensePlan(p=1.0))
    assert (drawn > hu).flatten(1).any(1).all()
    assert torch.equal(drawn[ids != 1], hu[ids != 1])
    assert float(drawn[ids == 1].max()) < -80.0


def test_what_is_denser_than_the_drawn_lung_stays() -> None:
    hu, ids = _slices()
    hu[:, :, 50, :] = 30.0  # a vessel
    drawn = with_dense_lung(hu, ids, np.random.default_rng(1), DensePlan(p=1.0))
    assert (drawn[:, :, 50, :] == 30.0).all()


def test_slices_without_outlined_lung_stay_as_they_are_and_inputs_are_not_changed() -> None:
    hu, ids = _slices()
    before = hu.clone()
    assert torch.equal(with_dense_lung(hu, ids * 0 + 255, np.random.default_rng(0), DensePlan(p=1.0)), before)
    with_dense_lung(hu, ids, np.random.default_rng(0), DensePlan(p=1.0))
    assert torch.equal(hu, before)


def test_the_same_draws_give_the_same_pictures() -> None:
    first = with_dense_lung(*_slices(), np.random.default_rng(7), DensePlan())
    assert torch.equal(first, with_dense_lung(*_slices(), np.random.default_rng(7), DensePlan()))
