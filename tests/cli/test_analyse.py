"""`lungnode analyse` from outside: real scans, odd folders, exit codes and the one JSON object."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from scipy import ndimage

from node.cli.analyse import finding_line
from node.phantom.study import StudyPlan, write_study

ODD_FOLDERS = (
    "ge-tilted-head", "abdomen-pelvis-ct", "ct-labelled-seg", "localizer", "secondary-capture", "non-chest", "enhanced",
    "pet-part", "pet-single", "seg-sr", "charset", "transfer-syntax", "malformed",
)  # fmt: skip
REAL_SERIES = (
    "ct/lung-dx-a0001-b", "ct/lung-dx-a0002-b40f", "ct/lung-dx-a0002-b70f", "ct/4d-lung-113", "ct/lidc-idri-0001",
    "petct/acrin-nsclc-fdg-pet-042/ct",
)  # fmt: skip

COMMAND = "from node.cli.main import run; run()"


def analyse(path: Path, out: Path, *options: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "analyse", str(path), "--out", str(out), "--json", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def every_code(result: dict[str, Any]) -> set[str]:
    on_series = {r["code"] for series in result["series"] for r in series["reasons"]}
    return {r["code"] for r in result["reasons"]} | on_series | {f["code"] for f in result["files"]}


def volume_ml(result: dict[str, Any], side: str) -> float:
    found = [m["value"] for m in result["measurements"] if m["name"] == "lung_volume" and m["side"] == side]
    return float(found[0])


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("phantom")
    return folder, write_study(folder, StudyPlan(n_slices=64, size=256, seed=3))


@pytest.mark.parametrize("name", ODD_FOLDERS)
def test_an_odd_folder_ends_as_the_table_of_outcomes_says(name: str, data_dir: Path, tmp_path: Path) -> None:
    expected = json.loads((data_dir / "odd" / "expected.json").read_text())["folders"][name]
    status, result = analyse(data_dir / "odd" / name, tmp_path)
    assert status == 3
    assert result["outcome"] in expected["outcome"].split(" or ")
    assert every_code(result) & set(expected["one_of"])


def test_the_table_of_outcomes_names_no_folder_that_is_not_tested(data_dir: Path) -> None:
    folders = json.loads((data_dir / "odd" / "expected.json").read_text())["folders"]
    assert set(folders) == set(ODD_FOLDERS)


def air_inside_the_body_ml(path: Path) -> tuple[float, float]:
    """Return the aerated volume on the patient's right and left by a plain threshold, per slice, without our code."""
    reader = sitk.ImageSeriesReader()
    names = max((reader.GetGDCMSeriesFileNames(str(path), uid) for uid in reader.GetGDCMSeriesIDs(str(path))), key=len)
    image = sitk.ReadImage(list(names))
    hu_zyx = sitk.GetArrayFromImage(image)
    body_zyx = ndimage.binary_opening(hu_zyx > -300, np.ones((1, 7, 7)))  # the table is thinner
    right = left = 0
    for air_yx, body_yx in zip(hu_zyx < -400, body_zyx, strict=True):
        parts, n = ndimage.label(body_yx)
        if not n:
            continue
        body = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
        inside = ndimage.binary_fill_holes(body) & air_yx
        middle = int(np.mean(np.nonzero(body)[1]))
        right += np.count_nonzero(inside[:, :middle])  # columns run to the patient's left in all of these scans
        left += np.count_nonzero(inside[:, middle:])
    voxel_ml = float(np.prod(image.GetSpacing())) / 1000
    return right * voxel_ml, left * voxel_ml


@pytest.mark.parametrize("name", REAL_SERIES)
def test_a_real_scan_gives_the_lungs_that_a_plain_threshold_gives(name: str, data_dir: Path, tmp_path: Path) -> None:
    status, result = analyse(data_dir / name, tmp_path)
    assert (status, result["outcome"]) == (0, "processed")
    right_ml, left_ml = air_inside_the_body_ml(data_dir / name)  # holds airways and some bowel gas, lacks vessels
    both = right_ml + left_ml
    assert volume_ml(result, "both") == pytest.approx(both, rel=0.15)
    assert volume_ml(result, "right") == pytest.approx(right_ml, rel=0.2)
    assert volume_ml(result, "left") == pytest.approx(left_ml, rel=0.2)
    assert {o["kind"] for o in result["objects"]} == {"SEG", "SR"}
    assert all((tmp_path / o["path"]).exists() for o in result["objects"])


def test_the_phantoms_lungs_have_the_volumes_that_it_was_made_with(
    phantom: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, truth = phantom
    _, result = analyse(folder / "CT", tmp_path)
    assert volume_ml(result, "right") == pytest.approx(truth["lungs"]["right"]["volume_ml_with_nodules"], rel=0.04)
    assert volume_ml(result, "left") == pytest.approx(truth["lungs"]["left"]["volume_ml_with_nodules"], rel=0.04)


def test_the_same_folder_twice_gives_the_same_uids_and_bit_identical_masks(
    phantom: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, _ = phantom
    _, first = analyse(folder / "CT", tmp_path / "a")
    _, second = analyse(folder / "CT", tmp_path / "b")
    assert [o["sop_instance_uid"] for o in first["objects"]] == [o["sop_instance_uid"] for o in second["objects"]]
    assert first["measurements"] == second["measurements"]
    masks = [sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / x / "masks" / "labels.nrrd"))) for x in "ab"]
    assert np.array_equal(*masks)


def test_result_json_is_what_json_printed(phantom: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    _, printed = analyse(phantom[0] / "CT", tmp_path)
    assert json.loads((tmp_path / "result.json").read_text()) == printed
    assert printed["schema_version"] == 1


def test_a_missing_slice_is_refused_with_a_notice_and_exit_status_three(
    phantom: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    files = sorted((phantom[0] / "CT").glob("*.dcm"))
    partial = tmp_path / "partial"
    partial.mkdir()
    for file in files[:30] + files[31:]:
        (partial / file.name).symlink_to(file)
    status, result = analyse(partial, tmp_path / "out")
    assert (status, result["outcome"]) == (3, "refused")
    assert result["reasons"][0]["code"] == "GEO-GAP"
    assert [o["kind"] for o in result["objects"]] == ["NOTICE"]


def test_an_empty_folder_has_nothing_to_analyse(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    status, result = analyse(tmp_path / "in", tmp_path / "out")
    assert (status, result["outcome"], result["study_instance_uid"]) == (3, "not-routed", None)


def test_an_unknown_route_is_a_matter_of_configuration(phantom: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    status, result = analyse(phantom[0] / "CT", tmp_path, "--route", "nowhere")
    assert (status, result["error"]["code"]) == (5, "CLI-ROUTE")


def test_a_person_is_told_the_number_of_files_that_are_no_dicom(tmp_path: Path) -> None:
    for n in range(3):
        (tmp_path / f"{n}.xml").write_text("<annotation/>")
    (tmp_path / "0.dcm").write_bytes(b"broken")
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "analyse", str(tmp_path), "--out", str(tmp_path / "out")],
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 3
    assert [line.split() for line in done.stdout.splitlines() if "unread" in line] == [
        ["unread", "FILE-UNREAD", "0.dcm"]
    ]
    assert "3 files are not DICOM" in done.stdout


def test_a_finding_has_a_line_with_its_place_and_size_or_why_there_is_none():
    measured = {
        "name": "nodule-2", "side": "left", "zone": "middle", "slices": [86, 94], "long_axis_mm": 30.2,
        "volume_mm3": 7536.9, "codes": ["GEO-THICK"], "uncertain": False, "more": {"short_axis_mm": 25.7},
    }  # fmt: skip
    merged = measured | {
        "long_axis_mm": None, "volume_mm3": None, "zone": None, "codes": ["SEG-MERGED"], "uncertain": True,
        "more": {"short_axis_mm": None},
    }  # fmt: skip

    assert (
        finding_line(measured)
        == "nodule-2: left middle zone, slices 87 to 95 from the feet: 30 x 26 mm, 7537 mm3, GEO-THICK"
    )
    assert finding_line(merged) == "nodule-2: left, slices 87 to 95 from the feet: not measured, SEG-MERGED, uncertain"
