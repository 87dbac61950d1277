"""The commands on whole scans: judged, calibrated, mined; nothing is learnt from test scans."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from node.cli.calibrate_lesions import app as calibrate_app
from node.cli.judge_scans import app as judge_app
from node.cli.mine_negatives import app as mine_app
from node.errors import InputRefused, Misconfigured
from node.learn import set_writer
from node.learn.lesion_finders import seen_of
from node.learn.scans import has_scans, scans
from node.learn.set_writer import Case, write_set
from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.phantom import Nodule
from node.segment.runtime import runtime
from tests.conftest import REPOSITORY
from tests.learn.conftest import write_set as slices
from tests.lesions.conftest import Make, with_digests

NODULES = (Nodule((-92.0, -28.0, 20.0), 16.0), Nodule((88.0, 30.0, -40.0), 24.0))


@pytest.fixture
def models(rule_model: Make) -> Path:
    """The rule that marks what is dense, beside the shipped lungs."""
    folder = rule_model(least_mm3=200.0)
    shutil.copytree(REPOSITORY / "models" / "lungs-rule", folder / "lungs-rule")
    return folder


@pytest.fixture
def volumes(chest, tmp_path, monkeypatch) -> Path:
    """Three phantoms as a set of volumes, read completely: two to train with, one to validate on; a region beside."""
    phantom = chest(*NODULES)
    labels = np.where(phantom.labels_zyx >= 3, 2, 0).astype(np.uint8)
    monkeypatch.setattr(set_writer, "split_of", lambda case: {"P-3": "val", "P-4": "test"}.get(case, "train"))
    cases = [
        Case(name, phantom.hu_zyx, labels, (5.0, 2.5, 2.5), (0.0, 0.0, 0.0), False, "LIDC-IDRI", "made",
             "2 = nodule", "CC BY 4.0")
        for name in ("P-1", "P-2", "P-3", "P-4")
    ]  # fmt: skip
    region = (slice(20, 40), slice(40, 80), slice(40, 80))
    cases.append(
        Case("R-1", phantom.hu_zyx[region].copy(), labels[region].copy(), (5.0, 2.5, 2.5), (0.0, 0.0, 0.0), False, "x",
             "made", "2 = nodule", "CC BY 4.0")
    )  # fmt: skip
    write_set(cases, tmp_path / "volumes")
    return tmp_path / "volumes"


def run(app, *words: object) -> dict:
    answer = CliRunner().invoke(app, [*(str(word) for word in words), "--lungs", "lungs-rule", "--json"])
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout[answer.stdout.index("{") :])


def test_a_model_is_judged_on_whole_scans_with_pictures(models, volumes, tmp_path):
    told = run(
        judge_app, "dense", "--data", volumes, "--split", "val", "--models", models, "--out", tmp_path / "sheets"
    )

    assert [scan["scan"] for scan in told["scans"]] == ["P-3"]
    assert (told["found"], told["known"]) == (2, 2)
    assert told["n_completely_read"] == 1
    assert told["froc"]["n_known"] == 2
    assert told["false_per_scan_median"] == told["scans"][0]["false"]
    assert (tmp_path / "sheets" / "P-3.jpg").is_file()


def test_a_scan_that_all_learnt_from_is_refused_or_marked_as_remembered(models, volumes, monkeypatch):
    def learnt_from(case):
        def seen_as(name, *rest, **more):
            return replace(seen_of(name, *rest, **more), train_cases=frozenset({case}))

        return seen_as

    words = ("dense", "--data", volumes, "--split", "train", "--models", models, "--lungs", "lungs-rule")
    monkeypatch.setattr("node.cli.judge_scans.seen_of", learnt_from("P-1"))
    refused = CliRunner().invoke(judge_app, [str(word) for word in words])
    told = run(judge_app, *words[:-2], "--seen")

    assert refused.exception.code == "EVAL-TRAINED"
    assert [(one["scan"], one["learnt_from"]) for one in told["scans"]] == [("P-1", True), ("P-2", False)]
    assert told["n_learnt_from"] == 1


def test_a_fold_answers_for_whom_the_model_learnt_from(models, volumes, monkeypatch):
    known = {"dense": frozenset({"P-1"}), "fold": frozenset({"P-2"})}
    monkeypatch.setattr(
        "node.cli.judge_scans.seen_of",
        lambda name, folder, place, like=None: replace(seen_of("dense", folder, place), train_cases=known[name]),
    )

    told = run(judge_app, "dense", "--fold", "fold", "--data", volumes, "--split", "train", "--models", models)

    assert [(one["scan"], one["learnt_from"]) for one in told["scans"]] == [("P-1", False), ("P-2", False)]


def test_what_is_judged_goes_to_standard_output_with_the_totals(models, volumes):
    words = ("dense", "--data", volumes, "--models", models, "--lungs", "lungs-rule")
    done = CliRunner().invoke(judge_app, [str(word) for word in words])

    assert done.exit_code == 0, done.output
    assert "P-3: found 2 of 2" in done.stdout
    assert "all: found 2 of 2 on 1 scans" in done.stdout
    assert "FROC" in done.stdout


def test_no_scan_of_the_part_is_said_and_no_success(models, volumes, tmp_path):
    words = ("dense", "--data", volumes, "--split", "val", "--scan", "P-9", "--models", models, "--lungs", "lungs-rule")
    judged = CliRunner().invoke(judge_app, [str(word) for word in words])
    index = volumes / "index.csv"
    index.write_text(index.read_text().replace(",train,", ",val,"))
    words = ("dense", "--data", volumes, "--models", models, "--lungs", "lungs-rule", "--out", tmp_path / "hard")
    mined = CliRunner().invoke(mine_app, [str(word) for word in words])

    assert [done.exception.code for done in (judged, mined)] == ["SET-EMPTY", "SET-EMPTY"]
    assert not (tmp_path / "hard").exists()


def test_a_set_without_whole_scans_is_refused(tmp_path):
    with pytest.raises(InputRefused, match="there is no whole scan") as caught:
        list(scans(slices(tmp_path / "set", {"A": "train"}), frozenset({"train"})))
    assert caught.value.code == "SET-UNREAD"


@pytest.mark.parametrize(
    ("patient", "more", "case", "licence"),
    [
        ("P77", {}, "P77", ""),
        ("P77", {"case": "ours-1", "licence": "CC BY 4.0"}, "ours-1", "CC BY 4.0"),
        ("113_HM10395", {}, "4D-Lung-113", "CC BY 3.0"),
    ],
    ids=["own", "own-told", "public"],
)
def test_a_scan_has_the_case_and_the_licence_that_its_folder_says(chest, tmp_path, patient, more, case, licence):
    write_series(chest(*NODULES), tmp_path / "one", SeriesOptions(patient_id=patient))
    lesion = {"centre_lps_mm": [0.0, 0.0, 0.0], "radius_mm": 9.0}
    told = {"split": "train", "read_completely": True, "lesions": [lesion]} | more
    (tmp_path / "known-lesions.json").write_text(json.dumps({"scans": {"one": told}}))

    (scan,) = scans(tmp_path, frozenset({"train"}))

    assert (scan.case, scan.licence) == (case, licence)


def test_regions_are_no_scans_and_only_the_parts_asked_for_are_read(volumes):
    assert has_scans(volumes)
    assert [scan.name for scan in scans(volumes, frozenset({"train"}))] == ["P-1", "P-2"]
    assert [scan.name for scan in scans(volumes, frozenset({"train", "val"}), frozenset({"P-2"}))] == ["P-2"]


def test_wrong_marks_are_mined_from_training_scans_alone(models, volumes, tmp_path):
    told = run(mine_app, "dense", "--data", volumes, "--models", models, "--out", tmp_path / "hard")
    assert told["n_scans"] == 2
    cases = {line.split(",")[1] for line in (tmp_path / "hard" / "index.csv").read_text().splitlines()[1:]}
    assert cases <= {"P-1", "P-2"}


def test_too_few_candidates_leave_the_model_as_it_was(models, volumes):
    before = (models / "dense" / "model.toml").read_text()
    answer = CliRunner().invoke(
        calibrate_app, ["dense", "--data", str(volumes), "--models", str(models), "--lungs", "lungs-rule"]
    )
    assert isinstance(answer.exception, InputRefused)
    assert answer.exception.code == "CALIBRATE-FEW"
    assert (models / "dense" / "model.toml").read_text() == before


def test_a_calibration_of_an_earlier_program_is_no_reason_to_refuse_a_new_one(models):
    folder = models / "dense"
    (folder / "confidence.json").write_text(json.dumps({"features": ["inner_mm"]}))
    with_digests(folder)
    place = runtime("cpu", "fp32")

    with pytest.raises(Misconfigured, match="calibrate the model again"):
        seen_of("dense", models, place)
    assert seen_of("dense", models, place, uncalibrated=True).finder.confidence is None


def test_a_fold_answers_as_the_model_that_is_calibrated(models):
    place = runtime("cpu", "fp32")
    like = seen_of("dense", models, place).finder

    two = seen_of("dense+dense", models, place, like)

    assert (two.finder.plan, two.finder.nets[1].plan) == (like.plan, like.nets[0].plan)
    assert two.train_cases == {"LIDC-IDRI-0001"}
