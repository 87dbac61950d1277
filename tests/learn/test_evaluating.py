"""Judging: by patient, by group, never on what was learnt, and again from saved masks."""

import csv
import json
import re
from dataclasses import replace

import nibabel
import numpy as np
import pytest

from node.errors import InputRefused
from node.learn.cases import Item, items
from node.learn.evaluate import Question, evaluate
from node.learn.index import read_index
from node.learn.judge import Measured, measure
from node.learn.metrics import Confusion
from node.learn.page import write_page
from node.learn.predictors import predictor
from node.learn.summary import summary
from node.segment.contract import LungDefinition, Task

LABEL = '"ids: 1 = lung, 2 = primary tumour, 3 = other tumour or nodes, 4 = in P1\'s lung only"'
WITHOUT = LungDefinition.WITHOUT_LESIONS


def silent(*_: object) -> None:
    """Tell nobody."""


def test_figures_are_means_over_patients_and_stand_beside_every_item(trained, small_set, tmp_path):
    answer = evaluate(Question((str(trained),), small_set, tmp_path / "out", device="cpu", precision="fp32"), silent)

    (line,) = answer["models"]
    assert (line["n_cases"], line["n_slices"], line["group"], line["split"]) == (2, 8, "hu/rule", "test")
    assert line["dice_mean"] > 0.9
    assert line["dice_mean"] == pytest.approx(np.mean([case["dice"] for case in line["cases"].values()]))
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["models"][0]["dice_mean"] == line["dice_mean"]
    with (tmp_path / "out" / "cases.csv").open() as file:
        assert [row["item"] for row in csv.DictReader(file)] == [f"{case}_{i}" for case in "EF" for i in range(4)]


def test_a_case_that_was_learnt_is_refused(trained, small_set, tmp_path):
    with pytest.raises(InputRefused, match="A") as caught:
        evaluate(Question((str(trained),), small_set, tmp_path / "out", split=None, device="cpu"), silent)
    assert caught.value.code == "EVAL-TRAINED"


def test_saved_masks_are_judged_again_to_the_same_figures(trained, small_set, tmp_path):
    asked = Question((str(trained),), small_set, tmp_path / "out", device="cpu", precision="fp32", save=True)
    first = evaluate(asked, silent)

    again = evaluate(replace(asked, models=(str(tmp_path / "out" / "masks" / "run"),), out=tmp_path / "two"), silent)

    same = ("dice_mean", "hd95_mm_mean", "tumour_kept_out_mean", "confusion")
    assert [again["models"][0][key] for key in same] == [first["models"][0][key] for key in same]


def test_a_model_against_itself_differs_by_nothing(trained, small_set, tmp_path):
    asked = Question((str(trained),), small_set, tmp_path / "out", device="cpu", precision="fp32", save=True)
    evaluate(asked, silent)
    saved = tmp_path / "out" / "masks" / "run"
    told = json.loads((saved / "predictions.json").read_text()) | {"name": "copy"}
    (saved / "predictions.json").write_text(json.dumps(told))

    answer = evaluate(replace(asked, models=(str(saved),), baseline=str(trained), out=tmp_path / "two"), silent)

    (line,) = answer["comparison"]
    assert (line["name"], line["n_cases"], line["dice_difference"], line["p"]) == ("copy", 2, 0.0, None)


def test_groups_of_labels_are_never_pooled(trained, small_set, tmp_path):
    index = small_set / "index.csv"
    lines = index.read_text().splitlines()
    index.write_text("\n".join(line.replace(",rule,", ",expert,") if ",F," in line else line for line in lines) + "\n")

    answer = evaluate(Question((str(trained),), small_set, tmp_path / "out", device="cpu"), silent)

    assert [(line["group"], line["n_cases"]) for line in answer["models"]] == [("hu/expert", 1), ("hu/rule", 1)]


def test_where_nobody_outlined_lungs_only_the_tumour_is_measured(trained, small_set, tmp_path):
    index = small_set / "index.csv"
    index.write_text(index.read_text().replace(LABEL, "ids: 2 = primary tumour"))
    text = index.read_text().splitlines()
    at = text[0].split(",").index("lung_px")
    lines = [",".join(["" if i == at else cell for i, cell in enumerate(line.split(","))]) for line in text[1:]]
    index.write_text("\n".join([text[0], *lines]) + "\n")

    (line,) = evaluate(Question((str(trained),), small_set, tmp_path / "out", device="cpu", save=True), silent)[
        "models"
    ]

    assert (line["dice_mean"], line["n_cases"]) == (None, 2)
    assert 0.5 < line["tumour_kept_out_mean"] <= 1.0


def test_patients_with_and_without_outlined_lungs_stand_in_one_group():
    counts = Confusion(80, 10, 10, 100, 5, 5)
    outlined = Measured("a", "A", "hu/expert", counts, (0.8,), 1, 0, 0, {"dice": 0.8, "iou": 0.7, "precision": 0.9})
    tumour_alone = Measured(
        "b", "B", "hu/expert", Confusion(0, 0, 0, 0, 0, 0), (), 1, 0, 0,
        {"dice": None, "iou": None, "tumour_kept_out": 1.0},
    )  # fmt: skip

    told = summary("model", "test", [outlined, tumour_alone])

    assert (told["precision_mean"], told["precision_n"], told["dice_n"]) == (0.9, 1, 1)
    assert (told["tumour_kept_out_mean"], told["tumour_kept_out_n"]) == (1.0, 1)


def test_what_a_loose_outline_holds_of_aerated_lung_is_told_apart():
    hu = np.full((1, 4, 4), -850, np.int16)
    hu[0, 1, :2] = 40  # two pixels of tissue
    tumour = np.zeros((1, 4, 4), bool)
    tumour[0, 1] = True  # outlined with two pixels of lung
    lungs = hu < -300
    lungs[0, 1, 0] = True  # one of the two is called lung

    measured = measure(Item("a", "A", hu, None, tumour, None, "hu8/expert"), lungs)

    assert measured.values["tumour_kept_out"] == 0.25
    assert measured.values["dense_tumour_kept_out"] == 0.5
    assert measured.values["aerated_tumour_frac"] == 0.5


def test_a_set_without_a_reference_is_refused(trained, small_set, tmp_path):
    index = small_set / "index.csv"
    index.write_text(index.read_text().replace(LABEL, "nothing was outlined"))

    with pytest.raises(InputRefused) as caught:
        evaluate(Question((str(trained),), small_set, tmp_path / "out", device="cpu"), silent)
    assert caught.value.code == "EVAL-EMPTY"


def test_a_model_that_moves_with_brightness_shows_it(trained, small_set, tmp_path):
    asked = Question((str(trained),), small_set, tmp_path / "out", where=("case=E",), device="cpu", robust=True)

    (line,) = evaluate(asked, silent)["models"]

    assert 0.0 <= line["intensity_sd_mean"] < 0.2


def test_the_page_shows_overlays_and_figures(trained, small_set, tmp_path):
    asked = Question((str(trained),), small_set, tmp_path / "out", device="cpu", save=True)
    answer = evaluate(asked, silent)

    page = write_page(asked, answer).read_text()

    assert "not for diagnosis" in page
    for name in ("confusion", "overlap", "distances", "overlays"):
        assert (tmp_path / "out" / f"0-{name}.png").stat().st_size > 1000


def test_the_page_says_in_words_what_it_shows(trained, small_set, tmp_path):
    asked = Question((str(trained),), small_set, tmp_path / "out", device="cpu", save=True)
    answer = evaluate(asked, silent)
    answer["comparison"] = [
        {
            "name": "run", "baseline": "older", "group": "hu/rule", "n_cases": 2, "dice_difference": 0.0125,
            "interval": (-0.01, 0.03), "p": None,
        }
    ]  # fmt: skip

    page = write_page(asked, answer).read_text()

    (line,) = answer["models"]
    assert f"<td>HD95, mm<td>{line['hd95_mm_mean']:.1f}<td>{line['hd95_mm_sd']:.1f}<td>2" in page
    assert "red found alone" in page
    assert "<td>run<td>older<td>hu/rule<td>2<td>+0.013<td>-0.010 to +0.030<td>-<td>-" in page
    assert not re.search(r"[a-z]_(mean|sd|n)\b", page)


def test_what_could_not_be_measured_is_no_row_and_no_picture(trained, small_set, tmp_path):
    asked = Question((str(trained),), small_set, tmp_path / "out", device="cpu", save=True)
    answer = evaluate(asked, silent)
    (line,) = answer["models"]
    for name in ("hd_mm", "hd95_mm", "assd_mm"):
        line |= {f"{name}_mean": None, f"{name}_sd": None, f"{name}_n": 0}
        for values in line["cases"].values():
            values[name] = None

    page = write_page(asked, answer).read_text()

    assert "HD95" not in page
    assert "0-distances.png" not in page


def test_a_volume_is_judged_in_three_dimensions(tmp_path):
    hu = np.full((16, 16, 6), 40, np.int16)
    label = np.zeros((16, 16, 6), np.uint8)
    label[4:12, 4:12, 1:5] = 1
    label[5:7, 5:7, 2] = 2
    for name, voxels in (("ct", hu), ("label", label)):
        nibabel.save(nibabel.Nifti1Image(voxels, np.diag([-1.0, -1.0, 2.0, 1.0])), tmp_path / f"X_{name}.nii.gz")
    (tmp_path / "index.csv").write_text(
        "id,case,ct,label,domain,lung_label,label_key,split,label_origin\n"
        'X,X,X_ct.nii.gz,X_label.nii.gz,hu,1,"1 = lung, 2 = tumour",test,expert\n'
    )
    (item,) = items(read_index(tmp_path), Task.LUNGS, WITHOUT)
    found = item.reference_zyx.copy()
    found[1] = False  # one slice of four missed
    found[0, 0, 0] = True  # a mark where nothing is

    measured = measure(item, found)

    n = int(item.reference_zyx.sum())
    assert measured.values["dice"] == pytest.approx(2 * (n - 64) / (n - 64 + 1 + n))
    assert measured.values["tumour_kept_out"] == 1.0
    assert measured.values["aerated_tumour_frac"] == 0.0
    assert measured.values["false_marks"] == 1.0
    assert (measured.n_slices, measured.n_empty, measured.n_empty_marked) == (6, 2, 1)
    assert summary("m", "test", [measured])["empty_fp_rate"] == 0.5


def test_with_lesions_the_tumour_belongs_to_the_reference(small_set):
    rows = read_index(small_set, where=("id=E_0",))
    areas = [next(iter(items(rows, Task.LUNGS, d))).reference_zyx.sum() for d in (WITHOUT, LungDefinition.WITH_LESIONS)]

    assert areas[1] - areas[0] == 36


def test_the_rules_have_no_answer_for_a_single_slice(small_set, tmp_path):
    with pytest.raises(InputRefused) as caught:
        evaluate(Question(("lungs-rule",), small_set, tmp_path / "out"), silent)
    assert caught.value.code == "RULE-SLICE"


def test_a_name_that_stands_for_nothing_is_refused():
    with pytest.raises(Exception, match="not installed"):
        predictor("no-such-model")
