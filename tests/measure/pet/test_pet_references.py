"""Liver and blood of the phantom, and when they are not taken for certain."""

from dataclasses import replace

import numpy as np
import pytest

from node.measure.chest import Chest, chest_of
from node.measure.pet.references import liver_reference, mediastinal_reference
from node.phantom.pet import make_pet, pet_grid
from node.phantom.thorax import make_thorax, thorax_grid
from tests.measure.pet.conftest import PetCt, pet_ct_of

LIVER_SUV, BLOOD_SUV = 2.3, 1.6


@pytest.fixture(scope="module")
def chest(thorax: PetCt) -> Chest:
    return chest_of(thorax.ct, thorax.segmentation)


def test_the_liver_is_found_on_the_right_with_its_uptake(thorax: PetCt, chest: Chest) -> None:
    liver = liver_reference(thorax.pet, chest, has_contrast=False)

    assert liver.suv_mean == pytest.approx(LIVER_SUV, rel=0.03)
    x, _, z = liver.centre_lps_mm
    assert x < -30.0
    assert z < -100.0


def test_blood_is_found_in_the_aorta_with_its_uptake(thorax: PetCt, chest: Chest) -> None:
    blood = mediastinal_reference(thorax.pet, chest)

    assert blood.suv_mean == pytest.approx(BLOOD_SUV, rel=0.05)
    assert blood.centre_lps_mm[:2] == pytest.approx((25.0, 49.0), abs=6.0)


@pytest.mark.parametrize("hu", [10, 100], ids=["fatty", "as with contrast"])
def test_a_liver_of_another_attenuation_is_no_reference(hu: int, thorax: PetCt, chest: Chest) -> None:
    altered = replace(chest, hu=np.where(np.abs(chest.hu - 55) < 40, hu, chest.hu).astype(np.int16))

    assert liver_reference(thorax.pet, altered, has_contrast=False) is None


def test_with_contrast_a_liver_may_be_brighter(thorax: PetCt, chest: Chest) -> None:
    bright = replace(chest, hu=np.where(np.abs(chest.hu - 55) < 40, 100, chest.hu).astype(np.int16))

    assert liver_reference(thorax.pet, bright, has_contrast=True).suv_mean == pytest.approx(LIVER_SUV, rel=0.05)


def test_uneven_uptake_is_no_reference(thorax: PetCt, chest: Chest) -> None:
    z, y, x = np.indices(thorax.pet.suv_zyx.shape)
    chequered = np.where((z // 2 + y // 2 + x // 2) % 2, 3.6, 1.0).astype(np.float32)

    assert liver_reference(replace(thorax.pet, suv_zyx=chequered), chest, has_contrast=False) is None


def test_a_pet_that_does_not_reach_the_liver_gives_none(thorax: PetCt, chest: Chest) -> None:
    matrix = thorax.pet.lps_from_zyx.copy()
    matrix[2, 3] += 200.0

    assert liver_reference(replace(thorax.pet, lps_from_zyx=matrix), chest, has_contrast=False) is None


def test_without_lungs_neither_is_looked_for(thorax: PetCt) -> None:
    nothing = replace(thorax.segmentation, labels_zyx=np.zeros_like(thorax.segmentation.labels_zyx))
    chest = chest_of(thorax.ct, nothing)

    assert liver_reference(thorax.pet, chest, has_contrast=False) is None
    assert mediastinal_reference(thorax.pet, chest) is None


def test_a_ct_that_ends_at_the_lung_base_has_no_liver() -> None:
    upper = thorax_grid(50, 200, height_mm=200.0)
    case = pet_ct_of(make_thorax(replace(upper, lps_from_zyx=_raised(upper.lps_from_zyx, 60.0)), noise_hu=8.0), ())
    chest = chest_of(case.ct, case.segmentation)

    assert liver_reference(case.pet, chest, has_contrast=False) is None
    assert make_pet(pet_grid()).suv_zyx.max() > LIVER_SUV  # the PET itself shows one


def _raised(matrix: np.ndarray, mm: float) -> np.ndarray:
    raised = matrix.copy()
    raised[2, 3] += mm
    return raised
