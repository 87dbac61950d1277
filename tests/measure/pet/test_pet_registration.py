"""Whether CT and PET fit: a phantom whose PET is moved."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from node.errors import Code, Severity
from node.measure.chest import chest_of
from node.measure.pet.registration import Registration, check_registration
from node.volume.pet import PetVolume
from tests.measure.pet.conftest import PetCt, block_ct, pet_of


def moved(pet: PetVolume, x_mm: float = 0.0, y_mm: float = 0.0, z_mm: float = 0.0) -> PetVolume:
    matrix = pet.lps_from_zyx.copy()
    matrix[:3, 3] += (x_mm, y_mm, z_mm)
    return replace(pet, lps_from_zyx=matrix)


def checked(thorax: PetCt, pet: PetVolume) -> Registration:
    return check_registration(pet, chest_of(thorax.ct, thorax.segmentation))


def test_a_phantom_fits_itself(thorax: PetCt) -> None:
    found = checked(thorax, thorax.pet)

    assert found.body_dice > 0.95
    assert abs(found.base_shift_mm) < 4.0
    assert found.reasons == ()


@pytest.mark.parametrize("shift_mm", [-24.0, -8.0, 8.0, 20.0])
def test_a_lung_base_that_moved_is_measured_with_its_direction(shift_mm: float, thorax: PetCt) -> None:
    found = checked(thorax, moved(thorax.pet, z_mm=shift_mm))

    assert found.base_shift_mm == pytest.approx(shift_mm, abs=4.0)
    assert [r.code for r in found.reasons] == ([Code.REG_SHIFT] if abs(shift_mm) > 15.0 else [])
    assert all(r.severity is Severity.WARN for r in found.reasons)


def test_slices_in_the_other_direction_give_the_same_shift(thorax: PetCt) -> None:
    pet = moved(thorax.pet, z_mm=20.0)
    matrix = pet.lps_from_zyx.copy()
    matrix[:3, 3] += matrix[:3, 0] * (len(pet.suv_zyx) - 1)
    matrix[:3, 0] *= -1
    turned = replace(pet, suv_zyx=pet.suv_zyx[::-1], lps_from_zyx=matrix)

    assert checked(thorax, turned).base_shift_mm == pytest.approx(checked(thorax, pet).base_shift_mm)


def test_a_body_that_moved_aside_is_found_by_its_outline(thorax: PetCt) -> None:
    found = checked(thorax, moved(thorax.pet, x_mm=50.0))

    assert found.body_dice < 0.9
    assert Code.REG_SHIFT in [r.code for r in found.reasons]
    assert "Dice" in found.reasons[0].text


def test_without_contrast_between_liver_and_lung_the_base_is_not_assessed(thorax: PetCt) -> None:
    flat = replace(thorax.pet, suv_zyx=ndimage.maximum_filter(np.minimum(thorax.pet.suv_zyx, 0.45), 3))

    assert checked(thorax, flat).base_shift_mm is None


def test_a_scan_that_ends_at_the_base_is_not_assessed() -> None:
    volume, segmentation = block_ct()
    pet = pet_of(np.ones(volume.hu_zyx.shape, np.float32), volume.lps_from_zyx)

    assert check_registration(pet, chest_of(volume, segmentation)).base_shift_mm is None


def test_without_lungs_nothing_is_assessed(thorax: PetCt) -> None:
    empty = replace(thorax.segmentation, labels_zyx=np.zeros_like(thorax.segmentation.labels_zyx))

    assert check_registration(thorax.pet, chest_of(thorax.ct, empty)) == Registration(None, None, ())


def test_a_pet_without_any_uptake_does_not_fit(thorax: PetCt) -> None:
    dark = replace(thorax.pet, suv_zyx=np.zeros_like(thorax.pet.suv_zyx))

    assert checked(thorax, dark).body_dice == 0.0
