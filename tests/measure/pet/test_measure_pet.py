"""A whole PET-CT: the phantom as arrays and as files, and the real one."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from node.errors import Code
from node.facts.folder import read_folder
from node.measure.chest import chest_of
from node.measure.pet import PetMeasurements, Statistic, Threshold, measure_pet
from node.measure.pet.lesion_uptake import LesionUptake
from node.measure.pet.near_lung import near_lung
from node.measure.pet.pet_masks import pet_masks
from node.measure.quantity import Side
from node.phantom.study import StudyPlan, write_study
from node.segment.contract import LungDefinition, Segment, Segmentation, SegmentKind
from node.segment.registry import load_lungs
from node.volume.pet import PetVolume, SuvKind, check_pairing, read_pet
from node.volume.read import read_volume
from node.volume.volume import Volume
from tests.measure.lesions.conftest import FIRST_LESION, segmentation_of
from tests.measure.pet.conftest import HOT, PetCt, block_ct, pet_of

STUDY = "petct/acrin-nsclc-fdg-pet-042"


def measured(pet: PetVolume, ct: Volume, segmentation: Segmentation) -> PetMeasurements:
    return measure_pet(pet, ct, segmentation, chest_of(ct, segmentation))


def test_hot_nodules_have_their_uptake_and_volume_and_a_cold_one_has_neither(thorax: PetCt) -> None:
    found = measured(thorax.pet, thorax.ct, thorax.segmentation)
    small, large, cold = found.lesions

    assert large.value(Statistic.PEAK) == pytest.approx(9.0, rel=0.03)
    assert large.value(Statistic.MTV, threshold=Threshold.MTV41) == pytest.approx(np.pi * 24.0**3 / 6000.0, rel=0.05)
    assert small.value(Statistic.MAX) == pytest.approx(6.5, rel=0.06)
    assert small.value(Statistic.MTV, threshold=Threshold.MTV41) == pytest.approx(
        np.pi * 14.0**3 / 6000.0, rel=0.15
    )  # 22 voxels
    assert cold.value(Statistic.MAX) < 1.0
    assert cold.value(Statistic.MTV, threshold=Threshold.MTV25) is None
    assert cold.value(Statistic.MTV, threshold=Threshold.MTV41) is None
    for lesion, nodule in zip((small, large), HOT, strict=False):
        assert np.linalg.norm(np.subtract(lesion.maximum_lps_mm, nodule.centre_lps_mm)) < nodule.diameter_mm / 2


def test_the_masks_lie_on_the_pets_grid_under_the_lesions_labels(thorax: PetCt) -> None:
    found = measured(thorax.pet, thorax.ct, thorax.segmentation)
    _, large, _ = found.lesions

    assert found.masks.labels_zyx.shape == thorax.pet.suv_zyx.shape
    assert [s.name for s in found.masks.segments] == ["nodule-1", "nodule-2"]  # the third is cold
    n = int(np.count_nonzero(found.masks.labels_zyx == large.label))
    assert n * thorax.pet.voxel_ml == pytest.approx(large.value(Statistic.MTV, threshold=Threshold.MTV41))
    assert not found.masks.labels_zyx.flags.writeable


def test_a_hot_nodule_that_the_ct_did_not_mark_is_a_candidate(thorax: PetCt) -> None:
    labels_zyx = thorax.segmentation.labels_zyx.copy()
    labels_zyx[labels_zyx == FIRST_LESION + 1] = 2
    found = measured(thorax.pet, thorax.ct, segmentation_of(labels_zyx, 1))
    (focus,) = found.foci

    assert focus.centre_lps_mm == pytest.approx(HOT[1].centre_lps_mm, abs=2.0)
    assert focus.side is Side.LEFT
    assert measured(thorax.pet, thorax.ct, thorax.segmentation).foci == ()


def test_a_place_has_the_side_of_a_lung_that_is_clearly_near(thorax: PetCt) -> None:
    chest = chest_of(thorax.ct, thorax.segmentation)
    for nodule, side in ((HOT[0], Side.RIGHT), (HOT[2], Side.LEFT)):
        assert near_lung(chest, np.array(nodule.centre_lps_mm)) is side
    assert near_lung(chest, np.array([0.0, 60.0, 17.0])) is None  # in the spine
    assert near_lung(chest, np.array([0.0, 0.0, 900.0])) is None  # beyond the scan


@pytest.mark.parametrize("scale", [{"kind": SuvKind.LBM}, {"is_fdg": False}], ids=["lean SUV", "another tracer"])
def test_candidates_are_looked_for_in_suvbw_of_fdg_only(scale, thorax: PetCt) -> None:
    pet = replace(thorax.pet, scale=replace(thorax.pet.scale, **scale))

    assert measured(pet, thorax.ct, thorax.segmentation).foci is None


def test_a_shift_marks_every_lesion(thorax: PetCt) -> None:
    matrix = thorax.pet.lps_from_zyx.copy()
    matrix[2, 3] += 25.0
    found = measured(replace(thorax.pet, lps_from_zyx=matrix), thorax.ct, thorax.segmentation)

    assert all([r.code for r in lesion.warnings] == [Code.REG_SHIFT] for lesion in found.lesions)
    assert Code.REG_SHIFT in [r.code for r in found.reasons]


def test_two_lesions_with_one_maximum_name_each_other() -> None:
    masks = []
    for x in (12, 15):
        mask = np.zeros((40, 50, 50), bool)
        mask[18:22, 20:24, x : x + 2] = True
        masks.append(mask)
    volume, segmentation = block_ct(lesions=tuple(masks))
    suv_zyx = np.ones(volume.hu_zyx.shape, np.float32)
    suv_zyx[20, 21, 14] = 9.0
    found = measured(pet_of(suv_zyx, volume.lps_from_zyx), volume, segmentation)

    assert [lesion.shares_maximum_with for lesion in found.lesions] == [("nodule-2",), ("nodule-1",)]


def test_of_voxels_in_two_masks_the_hotter_lesion_keeps_them() -> None:
    suv_zyx = np.ones((6, 6, 6), np.float32)
    suv_zyx[1, 1, 1], suv_zyx[1, 1, 4] = 5.0, 9.0
    cool = LesionUptake(3, "cool", maximum_zyx=(1, 1, 1), mask_zyx=np.ones((1, 1, 4), bool), mask_origin_zyx=(1, 1, 1))
    hot = LesionUptake(4, "hot", maximum_zyx=(1, 1, 4), mask_zyx=np.ones((1, 1, 3), bool), mask_origin_zyx=(1, 1, 3))
    masks = pet_masks(pet_of(suv_zyx, np.eye(4)), (cool, hot))

    assert masks.labels_zyx[1, 1].tolist() == [0, 3, 3, 4, 4, 4]
    assert [s.name for s in masks.segments] == ["cool", "hot"]


def test_no_more_than_twenty_lesions_are_measured() -> None:
    masks = []
    for i in range(21):
        mask = np.zeros((40, 50, 50), bool)
        mask[8 + i : 9 + i, 10, 8 : 10 + (i > 0)] = True
        masks.append(mask)
    volume, segmentation = block_ct(lesions=tuple(masks))
    pet = pet_of(np.ones(volume.hu_zyx.shape, np.float32), volume.lps_from_zyx)

    assert [lesion.label for lesion in measured(pet, volume, segmentation).lesions] == list(range(4, 24))


def test_a_phantom_written_as_files_gives_its_truth_back(tmp_path: Path) -> None:
    truth = write_study(tmp_path, StudyPlan(n_slices=80, size=160, n_nodules=6, pet=True))
    by_modality = {s.first.modality: s for s in read_folder(tmp_path).series}
    ct, pet = read_volume(by_modality["CT"]), read_pet(by_modality["PT"])
    assert isinstance(ct, Volume), ct
    assert isinstance(pet, PetVolume), pet
    labels_zyx = truth_labels(tmp_path)
    found = measured(pet, ct, segmentation_of(labels_zyx, 6))

    assert pet.scale.factor == pytest.approx(truth["pet"]["suvbw_factor"], rel=1e-6)
    hottest = sorted((lesion.value(Statistic.MAX) for lesion in found.lesions), reverse=True)[:3]
    assert hottest == pytest.approx(sorted(truth["pet"]["nodule_suv_g_ml_before_blur"], reverse=True), rel=0.15)
    assert found.registration.reasons == ()


def truth_labels(folder: Path) -> np.ndarray:

    return sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "truth.nrrd"))).astype(np.uint8)


@pytest.mark.data
def test_the_real_hot_spot_has_its_known_isocontour(data_dir: Path) -> None:
    facts = json.loads((data_dir / STUDY / "pet-facts.json").read_text())
    (ct_series,) = read_folder(data_dir / STUDY / "ct").series
    (pet_series,) = read_folder(data_dir / STUDY / "pet").series
    assert check_pairing(ct_series, pet_series) == ()
    ct, pet = read_volume(ct_series), read_pet(pet_series)
    assert isinstance(ct, Volume), ct
    assert isinstance(pet, PetVolume), pet
    found = measured(pet, ct, with_ball(ct, load_lungs("lungs-rule").segment(ct), facts))
    (lesion,) = found.lesions
    known = facts["hot_spot_isocontour_41_percent"]

    assert lesion.value(Statistic.MAX) == pytest.approx(42.22, abs=0.005)
    assert int(np.count_nonzero(lesion.mask_zyx)) == known["voxels"]
    assert lesion.value(Statistic.MTV, threshold=Threshold.MTV41) == pytest.approx(known["volume_ml"], abs=0.01)
    assert lesion.value(Statistic.PEAK) < lesion.value(Statistic.MAX)
    assert found.registration.body_dice > 0.95
    assert abs(found.registration.base_shift_mm) < 10.0
    assert 1.0 < found.mediastinum.suv_mean < 3.0
    assert 1.0 < found.liver.suv_mean < 3.5
    assert found.foci
    assert max(f.suv_max for f in found.foci) < 42.0


def with_ball(ct: Volume, lungs: Segmentation, facts: dict) -> Segmentation:
    """Mark a ball of 24 mm round the hot spot as a lesion."""
    at = facts["suvbw_max_in_the_chest"]
    z, y, x = np.linalg.solve(ct.lps_from_zyx, (at["x_mm"], at["y_mm"], at["z_mm"], 1.0))[:3]
    dz, dy, dx = ct.spacing_zyx_mm
    zz, yy, xx = np.ogrid[tuple(slice(n) for n in ct.hu_zyx.shape)]
    ball = ((zz - z) * dz) ** 2 + ((yy - y) * dy) ** 2 + ((xx - x) * dx) ** 2 <= 12.0**2
    labels_zyx = lungs.labels_zyx.copy()
    labels_zyx[ball] = FIRST_LESION
    lesion = Segment(FIRST_LESION, SegmentKind.LESION, "nodule-1")
    return Segmentation(labels_zyx, (*lungs.segments, lesion), LungDefinition.WITHOUT_LESIONS, ())
