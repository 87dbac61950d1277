"""Masses that are drawn into training slices."""

import numpy as np
import torch

from node.learn.masses import MassPlan, with_masses


def _slices(n: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.zeros(n, 1, 96, 96, dtype=torch.uint8)
    ids[:, :, 16:80, 8:44] = 1
    ids[:, :, 16:80, 52:88] = 1
    return torch.where(ids == 1, -850.0, 40.0), ids


def test_a_mass_lies_in_the_outlined_lung_and_nowhere_else():
    hu, ids = _slices()
    drawn, masks = with_masses(hu, ids, np.random.default_rng(0), MassPlan(p=1.0))
    changed = masks != ids
    assert changed.flatten(1).any(1).all()
    assert set(masks[changed].tolist()) == {2}
    assert torch.equal(drawn[ids != 1], hu[ids != 1])


def test_a_solid_mass_has_the_density_of_soft_tissue_and_its_edge_is_the_new_outline():
    hu, ids = _slices()
    plan = MassPlan(p=1.0, solid_p=1.0, radii_px=(8.0, 12.0))
    drawn, masks = with_masses(hu, ids, np.random.default_rng(1), plan)
    assert -60.0 < float(drawn[masks == 2].median()) < 110.0
    # Half of a pixel at the edge is mass: beyond it the lung is still mostly air.
    assert float((drawn[masks == 1] < -350.0).float().mean()) > 0.98


def test_slices_without_outlined_lung_stay_as_they_are_and_inputs_are_not_changed():
    hu, ids = _slices()
    before = ids.clone()
    with_masses(hu, ids, np.random.default_rng(0), MassPlan(p=1.0))
    assert torch.equal(ids, before)
    drawn, masks = with_masses(hu, ids * 0 + 255, np.random.default_rng(0), MassPlan(p=1.0))
    assert torch.equal(drawn, hu)
    assert (masks == 255).all()


def test_the_same_draws_give_the_same_masses():
    first = with_masses(*_slices(), np.random.default_rng(7), MassPlan())[0]
    assert torch.equal(first, with_masses(*_slices(), np.random.default_rng(7), MassPlan())[0])
