"""What is written is read back by somebody else, and the truth beside it by a third."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from pydicom import dcmread

from node.phantom.dicom import Order, SeriesOptions, write_series
from node.phantom.enhanced import write_enhanced
from node.phantom.nodules import choose_nodules
from node.phantom.pet import make_pet, pet_grid
from node.phantom.pet_dicom import PetOptions, suvbw_factor, write_pet
from node.phantom.phantom import Nodule, Phantom
from node.phantom.study import StudyPlan, default_options, write_study
from node.phantom.thorax import make_thorax, thorax_grid
from node.phantom.truth import truth_of, write_truth

DCIODVFY = Path(sys.executable).with_name("dciodvfy")


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return make_thorax(thorax_grid(20, 48), nodules=choose_nodules(3, np.random.default_rng(0)))


def errors_of(path: Path) -> list[str]:
    found = subprocess.run([DCIODVFY, "-new", path], capture_output=True, text=True, check=False)
    return [line for line in (found.stdout + found.stderr).splitlines() if line.startswith("Error")]


@pytest.mark.parametrize(
    "syntax",
    [
        "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90",
    ],
)  # fmt: skip
def test_pydicom_reads_the_values_in_every_transfer_syntax(syntax: str, phantom: Phantom, tmp_path: Path) -> None:
    paths = write_series(phantom, tmp_path, SeriesOptions(transfer_syntax=syntax))
    dataset = dcmread(paths[7])

    assert dataset.file_meta.TransferSyntaxUID == syntax
    np.testing.assert_array_equal(dataset.pixel_array.astype(int) - 1024, phantom.hu_zyx[7])


def test_a_transfer_syntax_that_cannot_be_written_is_said_so(phantom: Phantom, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot write"):
        write_series(phantom, tmp_path, SeriesOptions(transfer_syntax="1.2.840.10008.1.2.4.50"))


def test_itk_finds_the_voxels_where_the_grid_says(phantom: Phantom, tmp_path: Path) -> None:
    write_series(phantom, tmp_path, SeriesOptions(order=Order.SHUFFLED))
    image = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(tmp_path)))

    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), phantom.hu_zyx)
    there = (phantom.grid.lps_from_zyx @ (13, 5, 7, 1))[:3]
    np.testing.assert_allclose(image.TransformIndexToPhysicalPoint((7, 5, 13)), there, atol=1e-4)


def test_instance_numbers_run_as_asked(phantom: Phantom, tmp_path: Path) -> None:
    up = write_series(phantom, tmp_path / "a", SeriesOptions(order=Order.ASCENDING))
    down = write_series(phantom, tmp_path / "b", SeriesOptions(order=Order.DESCENDING))

    assert [int(dcmread(p).InstanceNumber) for p in (up[0], down[0])] == [1, 20]


def test_a_written_slice_has_no_error_by_the_validator(phantom: Phantom, tmp_path: Path) -> None:
    assert errors_of(write_series(phantom, tmp_path, SeriesOptions())[3]) == []


def test_a_written_pet_slice_has_no_error_by_the_validator(tmp_path: Path) -> None:
    assert errors_of(write_pet(make_pet(pet_grid(6)), tmp_path)[3]) == []


def test_a_name_in_another_script_comes_back(phantom: Phantom, tmp_path: Path) -> None:
    options = SeriesOptions(patient_name="山田^太郎", charset="ISO_IR 192")

    assert str(dcmread(write_series(phantom, tmp_path, options)[0]).PatientName) == "山田^太郎"


def test_overrides_set_delete_and_break_elements(phantom: Phantom, tmp_path: Path) -> None:
    options = SeriesOptions(overrides={"KVP": None, "BodyPartExamined": "LUNG", "PixelSpacing": b"0,7\\0,7 "})
    dataset = dcmread(write_series(phantom, tmp_path, options)[0])

    assert "KVP" not in dataset
    assert dataset.BodyPartExamined == "LUNG"
    assert dataset.get_item("PixelSpacing").value == b"0,7\\0,7 "


def test_an_enhanced_object_has_a_place_for_every_frame(phantom: Phantom, tmp_path: Path) -> None:
    dataset = dcmread(write_enhanced(phantom, tmp_path / "e.dcm"))
    z_mm = [float(f.PlanePositionSequence[0].ImagePositionPatient[2]) for f in dataset.PerFrameFunctionalGroupsSequence]

    assert dataset.NumberOfFrames == 20
    np.testing.assert_allclose(np.diff(z_mm), phantom.grid.spacing_zyx_mm[0], atol=1e-6)
    np.testing.assert_array_equal(dataset.pixel_array[4].astype(int) - 1024, phantom.hu_zyx[4])


def test_the_truth_is_read_by_itk_at_the_place_of_the_scan(phantom: Phantom, tmp_path: Path) -> None:
    write_truth(phantom, tmp_path)
    image = sitk.ReadImage(str(tmp_path / "truth.nrrd"))

    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), phantom.labels_zyx)
    np.testing.assert_allclose(image.GetOrigin(), phantom.grid.lps_from_zyx[:3, 3])


def test_the_numbers_of_the_truth_are_those_of_the_labels(phantom: Phantom) -> None:
    truth = truth_of(phantom)
    right = truth["lungs"]["right"]
    inside_ml = sum(n["volume_ml"] for n in truth["nodules"] if n["side"] == "right")

    assert right["volume_ml_without_nodules"] == pytest.approx(
        int((phantom.labels_zyx == 1).sum()) * phantom.grid.voxel_ml
    )
    assert right["volume_ml_with_nodules"] == pytest.approx(right["volume_ml_without_nodules"] + inside_ml)
    assert inside_ml > 0


def test_a_study_with_pet_shares_patient_study_and_frame_of_reference(tmp_path: Path) -> None:
    truth = write_study(tmp_path, StudyPlan(n_slices=16, size=32, n_nodules=2, pet=True, seed=4))
    ct, pet = (dcmread(next((tmp_path / part).glob("*.dcm"))) for part in ("CT", "PET"))
    shared = ("PatientID", "StudyInstanceUID", "FrameOfReferenceUID", "AccessionNumber")

    assert [ct[k].value for k in shared] == [pet[k].value for k in shared]
    assert ct.SeriesInstanceUID != pet.SeriesInstanceUID
    assert json.loads((tmp_path / "truth.json").read_text()) == truth


def test_uptake_comes_back_from_stored_values(tmp_path: Path) -> None:
    hot = Nodule((-92.0, -28.0, 20.0), 30.0, suv_g_ml=8.0)
    phantom = make_pet(pet_grid(), nodules=[hot])
    options = PetOptions()
    paths = write_pet(phantom, tmp_path, options)
    datasets = [dcmread(path) for path in paths]
    suv = np.stack([d.pixel_array * float(d.RescaleSlope) for d in datasets]) * suvbw_factor(options)

    np.testing.assert_allclose(suv, phantom.suv_zyx, atol=2e-3)
    assert suv[phantom.labels_zyx == 3].max() == pytest.approx(8.0, rel=0.25)
    assert len({d.RescaleSlope for d in datasets}) > 40


def test_the_suv_factor_follows_the_definition() -> None:
    one_half_life = PetOptions(weight_kg=70.0, dose_bq=200e6, uptake_s=6586.2)

    assert suvbw_factor(one_half_life) == pytest.approx(70_000 / 100e6)


def test_the_command_writes_a_study_and_prints_its_truth(tmp_path: Path) -> None:
    command = [
        Path(sys.executable).with_name("lungnode"),
        "phantom",
        tmp_path,
        "--slices",
        "16",
        "--size",
        "32",
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)

    assert json.loads(done.stdout)["shape_zyx"] == [16, 32, 32]
    assert len(list((tmp_path / "CT").iterdir())) == 16


@pytest.mark.parametrize(
    "change",
    [{"n_slices": 3}, {"size": 16}, {"n_nodules": 1}, {"seed": 1}, {"emphysema_frac": 0.2}, {"contrast": True}],
    ids=lambda change: next(iter(change)),
)
def test_what_changes_the_picture_changes_all_uids_of_the_study(change: dict[str, float]) -> None:
    plan = StudyPlan(n_slices=2, size=32)
    one, other = (default_options(p).study_seed for p in (plan, replace(plan, **change)))
    assert one != other
    assert one == default_options(replace(plan, pet=True)).study_seed
