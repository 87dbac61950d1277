"""`lungnode evaluate` for what finds lesions: the same figures, lists, page and refusals as for lungs."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from node.cli.evaluate import app
from node.errors import InputRefused, WrongUsage
from node.learn.cases import stacks
from node.learn.evaluate import Question, evaluate
from node.learn.index import read_index
from node.learn.lesion_judge import Finish, judge
from node.learn.lesion_masks import finish_of
from node.learn.lesion_trained import trained as trained_lesions
from node.learn.page import write_page
from node.learn.predictors import predictor
from node.segment.contract import LungDefinition, Task
from node.segment.registry import find
from node.segment.runtime import runtime

CPU = runtime("cpu", "fp32")
WITHOUT = LungDefinition.WITHOUT_LESIONS

pytestmark = pytest.mark.usefixtures("one_thread")


def silent(*_: object) -> None:
    """Tell nobody."""


@pytest.fixture
def eager(run_folder, monkeypatch):
    """Judge at a threshold at which a network that has hardly learnt anything marks some of each slice."""
    monkeypatch.setattr("node.learn.predictors.Finish", lambda: Finish(threshold=0.01))
    return run_folder


@pytest.fixture
def asked(eager, small_set, tmp_path):
    return Question((str(eager),), small_set, tmp_path / "out", device="cpu", precision="fp32", save=True)


def test_slices_are_judged_as_judge_lesions_does(asked, eager, small_set):
    answer = evaluate(asked, silent)

    (line,) = answer["models"]
    judged = judge([trained_lesions(eager, CPU)], read_index(small_set, split="test"), Finish(threshold=0.01), CPU)
    score = judged["domains"]["hu"]
    assert 0.0 < line["dice_mean"] < 1.0
    assert line["dice_mean"] == pytest.approx(score["slice_dice"])
    assert line["dice_pooled_mean"] == pytest.approx(score["pooled_dice"])
    assert (line["task"], line["n_cases"], line["n_empty"]) == ("lesions", 2, score["n_empty"])
    for measure in ("iou", "precision", "recall", "accuracy", "mcc", "fpr", "hd95_mm", "assd_mm", "seconds_per_slice"):
        assert line[f"{measure}_mean"] is not None
        assert line[f"{measure}_sd"] is not None


def test_everything_is_kept_beside_the_figures(asked):
    page = write_page(asked, evaluate(asked, silent)).read_text()

    with (asked.out / "cases.csv").open() as file:
        assert {(row["model"], row["case"]) for row in csv.DictReader(file)} == {("run", "E"), ("run", "F")}
    for name in ("confusion", "overlap", "distances", "overlays", "curve-0"):
        assert f"0-{name}.png" in page
        assert (asked.out / f"0-{name}.png").stat().st_size > 1000


def test_saved_masks_are_read_back_to_the_same_figures_and_can_be_a_baseline(asked, eager, tmp_path):
    first = evaluate(asked, silent)
    saved = asked.out / "masks" / "run"
    told = json.loads((saved / "predictions.json").read_text())
    (saved / "predictions.json").write_text(json.dumps(told | {"name": "saved"}))

    again = evaluate(replace(asked, models=(str(eager),), baseline=str(saved), out=tmp_path / "two"), silent)

    run, kept = again["models"]
    same = ("dice_mean", "hd95_mm_mean", "dice_pooled_mean", "confusion")
    assert [kept[key] for key in same] == [first["models"][0][key] for key in same]
    assert [run[key] for key in same] == [kept[key] for key in same]
    (line,) = again["comparison"]
    assert (line["n_cases"], line["dice_difference"]) == (2, 0.0)


def test_a_case_that_was_learnt_is_refused(asked):
    with pytest.raises(InputRefused) as caught:
        evaluate(replace(asked, split="train"), silent)
    assert caught.value.code == "EVAL-TRAINED"


def test_a_lesion_model_under_changed_intensity(asked):
    (line,) = evaluate(replace(asked, robust=True, where=("case=E",)), silent)["models"]

    assert line["intensity_sd_mean"] is not None


def test_slices_larger_than_a_network_takes_are_judged_on_their_own_grid(asked, small_set):
    for path in (*(small_set / "images").iterdir(), *(small_set / "masks").iterdir()):
        with Image.open(path) as image:
            large = image.resize((512, 512), Image.Resampling.NEAREST)
        large.save(path)

    (line,) = evaluate(asked, silent)["models"]

    assert sum(line["confusion"].values()) == 8 * 512 * 512


def test_lungs_and_lesions_are_judged_side_by_side_but_never_compared(asked, trained):
    both = replace(asked, models=(*asked.models, str(trained)))

    with pytest.raises(WrongUsage, match="lungs") as caught:
        evaluate(replace(both, baseline=str(trained)), silent)
    assert caught.value.code == "USAGE"


def test_the_slices_of_a_scan_are_answered_together_and_lungs_one_by_one(small_set):
    rows = read_index(small_set, split="test")

    assert [len(stack) for stack in stacks(rows, Task.LESIONS, WITHOUT)] == [4, 4]
    assert [len(stack) for stack in stacks(rows, Task.LUNGS, WITHOUT)] == [1] * 8


@pytest.fixture
def stacked_set(tmp_path):
    """A cube of one patient, a crop of another."""
    grey = np.full((4 * 32, 32), 20, np.uint8)
    nodule = np.zeros((4, 32, 32), np.uint8)
    nodule[1:3, 10:20, 10:20] = 255
    readers = np.zeros((32, 32), np.uint8)
    readers[8:24, 8:16] = 0b0001
    readers[8:24, 10:16] = 0b1001
    for name, pixels in (("grey", grey), ("cube", nodule.reshape(-1, 32)), ("crop", np.tile(readers, (4, 1)))):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    (tmp_path / "index.csv").write_text(
        "id,case,image,mask,domain,label,width,height,depth,tile,spacing_mm,pixel_mm,hu_slope,hu_intercept,split\n"
        "Q,Q,grey.png,cube.png,hu,255 = nodule,32,32,4,,0.7,,5.19,-1024,test\n"
        "P,P,grey.png,crop.png,perslice8,bitmask: bit k = reader k+1,32,32,,1,,0.6,,,test\n"
    )
    return tmp_path


def test_cubes_are_judged_in_three_dimensions_and_crops_by_two_of_four_readers(eager, stacked_set, tmp_path):
    answer = evaluate(Question((str(eager),), stacked_set, tmp_path / "out", device="cpu", precision="fp32"), silent)

    cube, crop = answer["models"]
    assert (cube["group"], cube["n_slices"], cube["n_empty"]) == ("hu/unknown", 4, 2)
    assert cube["confusion"]["tp"] + cube["confusion"]["fn"] == 200
    assert cube["dice_mean"] == cube["dice_pooled_mean"]
    assert (crop["group"], crop["confusion"]["tp"] + crop["confusion"]["fn"]) == ("perslice8/unknown", 16 * 6)


def test_an_installed_model_is_judged_with_what_its_card_says():
    assert finish_of(find("lesions-p3"), None) == Finish(threshold=0.3, flips=True, peak=0.5)
    assert finish_of(find("lesions-joint"), None) == Finish(threshold=0.4, flips=True, peak=0.5)

    who = predictor("lesions-joint", device="cpu")

    assert (who.name, who.task, len(who.curves)) == ("lesions-joint", Task.LESIONS, 4)
    assert "MSD-S04" in who.train_cases


def test_a_set_without_what_a_model_finds_is_refused_with_the_command_for_it(trained, stacked_set, tmp_path):
    asked = Question((str(trained),), stacked_set, tmp_path / "out", device="cpu")

    with pytest.raises(InputRefused, match=r"`lungnode evaluate lesions-joint --data \S+ --split test --out") as caught:
        evaluate(asked, silent)
    assert caught.value.code == "EVAL-EMPTY"
    with pytest.raises(InputRefused, match="see --split") as caught:
        evaluate(replace(asked, split="val"), silent)
    assert caught.value.code == "EVAL-EMPTY"


def test_folds_answer_as_one_for_whom_they_held_out(asked, eager, small_set, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(eager, other)
    told = json.loads((other / "run.json").read_text())
    (other / "run.json").write_text(json.dumps(told | {"val_cases": ["A"], "train_cases": ["B", "C", "D"]}))
    folds = replace(asked, models=(str(eager), str(other)), held_out=True)

    (line,) = evaluate(folds, silent)["models"]

    assert (line["name"], line["split"], set(line["cases"])) == ("run+other", "held out", {"A", "D"})
    saved = asked.out / "masks" / "run+other"
    again = evaluate(replace(folds, models=(str(saved),), baseline=str(saved)), silent)
    assert again["models"][0]["dice_mean"] == line["dice_mean"]


def test_folds_that_held_out_the_same_patient_or_nobody_are_refused(asked, eager, trained, tmp_path):
    twin = tmp_path / "twin"
    shutil.copytree(eager, twin)

    for name, kind, code in ((str(twin), InputRefused, "EVAL-TRAINED"), (str(trained), WrongUsage, "USAGE")):
        with pytest.raises(kind) as caught:
            evaluate(replace(asked, models=(str(eager), name), held_out=True), silent)
        assert caught.value.code == code


def test_an_ensemble_with_the_rules_names_its_network_for_slices(small_set, tmp_path):
    with pytest.raises(InputRefused, match="lungnode evaluate fusionlungnet-w16") as caught:
        evaluate(Question(("lungs-joint",), small_set, tmp_path / "out", device="cpu"), silent)
    assert caught.value.code == "RULE-SLICE"


def test_the_command_tells_a_person_what_was_reached(eager, small_set, tmp_path):
    words = [str(eager), "--baseline", str(eager), "--data", str(small_set), "--out", str(tmp_path / "out")]

    done = CliRunner().invoke(app, [*words, "--device", "cpu"])

    assert done.exit_code == 0, done.output
    for told in ("Dice 0.", " ± ", "IoU", "HD95 mm", "over 2 cases", "s a slice", "index.html"):
        assert told in done.output
