"""The PET series at hand, with the figures that are known of them."""

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813

from node.errors import Code, Refusal
from node.facts.folder import read_folder
from node.facts.series import SeriesFacts
from node.volume.pet import PetVolume, check_pairing, read_pet, suv_of_headers
from node.volume.pet.reference_time import TimeSource

STUDY = "petct/acrin-nsclc-fdg-pet-042"
ACCEPTED = (f"{STUDY}/pet", "odd/pet-part")

pytestmark = pytest.mark.data


def series_in(folder: Path) -> SeriesFacts:
    (series,) = read_folder(folder).series
    return series


@lru_cache(maxsize=2)
def pet_in(folder: Path) -> PetVolume:
    pet = read_pet(series_in(folder))
    assert isinstance(pet, PetVolume), pet
    return pet


def codes_of(result: PetVolume | Refusal) -> list[Code]:
    return [r.code for r in result.reasons]


def test_the_whole_body_series_has_its_known_factor_and_maximum(data_dir: Path) -> None:
    facts = json.loads((data_dir / STUDY / "pet-facts.json").read_text())
    pet = pet_in(data_dir / STUDY / "pet")

    assert pet.scale.factor == pytest.approx(facts["suvbw_factor_g_per_bq_per_ml"], rel=1e-8)
    assert pet.scale.dose.decay_s == facts["seconds_injection_to_scan"]
    assert pet.scale.dose.left_bq == pytest.approx(facts["dose_at_scan_start_bq"], rel=1e-9)
    assert float(pet.suv_zyx.max()) == pytest.approx(51.09, abs=0.005)
    assert Code.PT_TIMEDIFF in codes_of(pet)  # GE's private time carries another shift of dates


def test_the_hottest_voxel_of_the_chest_is_where_it_is_known_to_be(data_dir: Path) -> None:
    facts = json.loads((data_dir / STUDY / "pet-facts.json").read_text())["suvbw_max_in_the_chest"]
    pet = pet_in(data_dir / STUDY / "pet")
    at = facts["voxel_index_from_0"]
    index = (at["slice"], at["row"], at["column"])

    assert float(pet.suv_zyx[index]) == pytest.approx(42.22, abs=0.005)
    assert (pet.lps_from_zyx @ np.r_[index, 1.0])[:3] == pytest.approx(
        (facts["x_mm"], facts["y_mm"], facts["z_mm"]), abs=0.06
    )


def test_the_factor_is_that_of_somebody_elses_real_world_value_map(data_dir: Path) -> None:
    maps = [pydicom.dcmread(f) for f in sorted((data_dir / STUDY / "third-party").glob("*.dcm"))]
    slopes = {
        float(value.RealWorldValueSlope)
        for dataset in maps
        if dataset.Modality == "RWV"
        for item in dataset.ReferencedImageRealWorldValueMappingSequence
        for value in item.RealWorldValueMappingSequence
        if value.MeasurementUnitsCodeSequence[0].CodeValue == "{SUVbw}g/ml"
    }

    assert slopes
    assert pet_in(data_dir / STUDY / "pet").scale.factor == pytest.approx(max(slopes), rel=1e-4)


def test_the_uncorrected_series_is_refused_for_units_and_attenuation(data_dir: Path) -> None:
    refusal = read_pet(series_in(data_dir / STUDY / "pet-nac"))

    assert isinstance(refusal, Refusal)
    assert {Code.PT_UNITS, Code.PT_NAC} <= set(codes_of(refusal))


def test_the_part_of_a_series_is_read_by_its_series_time_as_the_slices_confirm(data_dir: Path) -> None:
    pet = pet_in(data_dir / "odd/pet-part")
    reference = pet.scale.dose.reference

    assert pet.scale.factor == pytest.approx(3.5366e-4, rel=1e-5)
    assert float(pet.suv_zyx.max()) == pytest.approx(20.41, abs=0.005)
    assert [c.source for c in reference.candidates] == [TimeSource.SERIES, TimeSource.DECAY_FACTOR]
    assert abs((reference.candidates[1].at - reference.chosen.at).total_seconds()) < 1.0
    assert Code.PT_TIMEDIFF in codes_of(pet)  # the vendor's time is a day off, and so ignored
    assert pet.scale.lean.janmahasatian_kg is None


def test_a_single_uncorrected_slice_is_refused_with_everything_that_is_wrong(data_dir: Path) -> None:
    refusal = read_pet(series_in(data_dir / "odd/pet-single"))

    assert isinstance(refusal, Refusal)
    assert {Code.PT_UNITS, Code.PT_NAC} <= set(codes_of(refusal))
    assert suv_of_headers(series_in(data_dir / "odd/pet-single"))[0] is None


def test_ct_and_pet_of_the_study_belong_together(data_dir: Path) -> None:
    assert check_pairing(series_in(data_dir / STUDY / "ct"), series_in(data_dir / STUDY / "pet")) == ()


@pytest.mark.parametrize("name", ACCEPTED)
def test_another_reader_finds_the_same_activity_at_the_same_places(name: str, data_dir: Path) -> None:
    pet = pet_in(data_dir / name)
    reader = sitk.ImageSeriesReader()
    by_uid = {file.facts.sop_instance_uid: file.path for file in pet.series.files}
    reader.SetFileNames([str(by_uid[frame.sop_instance_uid]) for frame in pet.frames])
    image = reader.Execute()
    theirs = sitk.GetArrayFromImage(image) * pet.scale.factor

    np.testing.assert_allclose(pet.suv_zyx, theirs, rtol=2e-6, atol=1e-6)
    last = np.array(pet.suv_zyx.shape) - 1
    theirs_mm = image.TransformIndexToPhysicalPoint([int(i) for i in last[::-1]])
    np.testing.assert_allclose((pet.lps_from_zyx @ np.r_[last, 1.0])[:3], theirs_mm, atol=0.1)
