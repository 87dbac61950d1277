"""A run judged with and without what comes after the network; attention as pictures."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from node.cli.judge_lesions import app as judge_app
from node.errors import InputRefused, Misconfigured
from node.learn.attention_pictures import write_attention
from node.learn.index import read_index
from node.learn.lesion_judge import Finish, finished, judge, judge_held_out, marks_of_picture, together
from node.learn.lesion_score import predict
from node.learn.lesion_set import LesionSet, load
from node.learn.lesion_trained import answering, trained
from node.learn.planes import Plane
from node.segment.postprocess.dense_crf import Crf
from node.segment.preprocess.region import region
from node.segment.runtime import runtime

CPU = runtime("cpu", "fp32")


pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_run_is_judged_by_case_on_cases_it_has_not_seen(run_folder, small_set):
    rows = read_index(small_set, split="test")

    answer = judge([trained(run_folder, CPU)], rows, Finish(), CPU)

    assert [case["case"] for case in answer["cases"]] == ["E", "F"]
    assert set(answer["domains"]) == {"hu"}


def test_a_case_that_was_learnt_from_is_refused(run_folder, small_set):
    with pytest.raises(InputRefused) as caught:
        judge([trained(run_folder, CPU)], read_index(small_set, split="train"), Finish(), CPU)
    assert caught.value.code == "EVAL-TRAINED"


def test_an_installed_model_is_judged_by_its_name_and_an_ensemble_by_its_members():
    one, all_members = answering("lesions-p3", None, CPU), answering("lesions-joint", None, CPU)

    assert [run.name for run in one] == ["lesions-p3"]
    assert [run.name for run in all_members] == ["lesions-p3", "lesions-p3b", "lesions-p3c", "lesions-p3d"]
    assert [run.plan.neighbours for run in all_members] == [1, 2, 2, 2]
    assert "MSD-S02" in one[0].val_cases - one[0].train_cases
    with pytest.raises(Misconfigured) as caught:
        answering("lungs-rule", None, CPU)
    assert caught.value.code == "SYS-MODEL"


def test_a_folder_without_an_epoch_is_no_run(tmp_path):
    with pytest.raises(InputRefused) as caught:
        answering(str(tmp_path), None, CPU)
    assert caught.value.code == "MODEL-UNKNOWN"
    with pytest.raises(InputRefused) as caught:
        trained(tmp_path, CPU)
    assert caught.value.code == "MODEL-UNKNOWN"


def test_an_ensemble_is_the_mean_and_the_same_run_twice_is_itself(run_folder, small_set):
    data = load(read_index(small_set, split="val"), 64)
    one = trained(run_folder, CPU)
    other = trained(run_folder, CPU)
    torch.nn.init.constant_(other.model.head.bias, 9.0)

    alone, twice, mixed = (
        [p for _, p in together(runs, data, Finish(), CPU)] for runs in ([one], [one, one], [one, other])
    )

    assert np.allclose(alone, twice, atol=1e-6)
    (_, brighter), *_ = together([other], data, Finish(), CPU)
    assert np.allclose(mixed[0], (alone[0] + brighter) / 2, atol=1e-6)


def test_the_same_run_answers_the_same_bit_for_bit(run_folder, small_set):
    data = load(read_index(small_set, split="val"), 64)

    first, second = (list(together([trained(run_folder, CPU)], data, Finish(flips=True), CPU)) for _ in range(2))

    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(first, second, strict=True))


def test_a_fold_answers_for_the_patients_that_it_held_out_and_for_no_others(run_folder, small_set):
    rows = read_index(small_set)
    held = trained(run_folder, CPU)
    other = replace(held, name="other", val_cases=frozenset({"E"}))
    nobody = replace(held, name="nobody", val_cases=frozenset({"not in this set"}))
    kept: list = []

    answer = judge_held_out([[nobody], [held], [other]], rows, Finish(), CPU, lambda *asked: kept.append(asked))
    alone = judge([held], [row for row in rows if row.case in held.val_cases], Finish(), CPU)

    assert {case["case"] for case in answer["cases"]} == held.val_cases | {"E"}
    assert [case for case in answer["cases"] if case["case"] != "E"] == alone["cases"]
    handed = {runs[0].name: {plane.case for plane in data.planes} for runs, data, _ in kept}
    assert handed == {held.name: held.val_cases, "other": {"E"}}  # each fold's slices with its own network


def test_two_systems_of_a_fold_answer_together_for_whom_both_held_out(run_folder, small_set):
    one = trained(run_folder, CPU)
    only = replace(one, name="other", val_cases=frozenset(sorted(one.val_cases)[:1]))
    rows = read_index(small_set)

    answer = judge_held_out([[one, only]], rows, Finish(), CPU)
    alone = judge([one], [row for row in rows if row.case in only.val_cases], Finish(), CPU)

    assert answer["runs"] == [one.name, "other"]
    assert answer["cases"] == alone["cases"]  # the mean of a network with itself


def test_folds_that_held_out_the_same_patient_are_refused(run_folder, small_set):
    one = trained(run_folder, CPU)

    with pytest.raises(InputRefused) as caught:
        judge_held_out([[one], [replace(one, name="twin")]], read_index(small_set), Finish(), CPU)
    assert caught.value.code == "EVAL-TRAINED"


def test_folds_without_any_of_the_patients_have_nothing_to_answer(run_folder, small_set):
    with pytest.raises(InputRefused) as caught:
        judge_held_out([[trained(run_folder, CPU)]], read_index(small_set, split="test"), Finish(), CPU)
    assert caught.value.code == "EVAL-EMPTY"


def test_what_comes_after_the_network_is_switched_on_one_by_one():
    p = np.full((15, 15), 0.1, np.float32)
    p[4:11, 4:11] = 0.9
    p[7, 7] = 0.4
    p[1, 2:14] = 0.8  # a line that is no lesion
    hu = np.where(p > 0.3, 30, -800).astype(np.int16)

    nothing = finished(p, hu, Finish())
    smoothed = finished(p, hu, Finish(smoothing_px=1)) >= 0.5
    field = finished(p, hu, Finish(crf=Crf(w_1=0.2, w_2=0.1))) >= 0.5

    assert np.array_equal(nothing, p)
    assert not smoothed[1].any()
    assert smoothed[7, 7]
    assert field[7, 7]


def test_a_run_marks_a_lone_picture_at_its_own_size(run_folder):
    one = trained(run_folder, CPU)
    torch.nn.init.constant_(one.model.head.bias, 50.0)

    mask = marks_of_picture([one], CPU)(np.zeros((30, 41), np.float32))

    assert mask.shape == (30, 41)
    assert mask.all()


def test_attention_is_drawn_once_a_case_beside_its_slice(run_folder, small_set, tmp_path):
    one = trained(run_folder, CPU)
    data = load(read_index(small_set, split="test"), 64)
    empty = replace(data.planes[0], case="none", tumour_yx=np.zeros_like(data.planes[0].tumour_yx))
    data = replace(data, planes=(*data.planes[:-1], empty))

    written = write_attention(one.model, data, one.plan, one.prepare, tmp_path / "maps")

    assert [path.name for path in written] == ["E.png", "F.png"]
    picture = np.asarray(Image.open(written[0]))
    assert picture.shape == (64, 3 * 64, 3)
    assert (picture[:, :64] == (0, 220, 0)).all(-1).sum() == 20  # the rim of a square of 6 x 6


def test_each_judged_patient_is_drawn_with_p2s_attention_below(run_folder, small_set, tmp_path):
    words = [str(run_folder), "--data", str(small_set), "--split", "test", "--pictures", str(tmp_path / "pictures")]

    done = CliRunner().invoke(judge_app, words)

    assert done.exit_code == 0, done.output
    drawn = {path.name for path in (tmp_path / "pictures").glob("*.png")}
    assert {name.partition("-")[2] for name in drawn} == {"E.png", "F.png"}
    assert {path.name for path in (tmp_path / "pictures" / "attention").glob("*.png")} == {"E.png", "F.png"}


def test_a_region_is_the_square_round_its_mask():
    picture = torch.zeros(1, 100, 80)
    mask = torch.zeros(1, 100, 80, dtype=torch.bool)
    mask[0, 40:60, 30:40] = True
    picture[mask] = 1.0

    found = region(picture, mask, 32)

    assert found.shape == (2, 32, 32)
    assert torch.allclose(found[0], found[1], atol=1e-5)
    assert float(found[1].mean()) == pytest.approx(20 * 10 / 31**2, abs=0.02)


def test_without_a_mask_the_whole_picture_is_the_region():
    picture = torch.rand(1, 32, 32)

    found = region(picture, torch.zeros(1, 32, 32, dtype=torch.bool), 32)

    assert torch.allclose(found[0], picture[0], atol=1e-6)
    assert not found[1].any()


def test_the_command_judges_and_tells(run_folder, small_set):
    command = [
        sys.executable, "-m", "node", "judge-lesions", str(run_folder), "--data", str(small_set), "--split", "test",
        "--crf", "--smooth", "1", "--flips", "--strain", "--shift-seed", "0", "--json",
    ]  # fmt: skip

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert '"domains"' in done.stdout
    assert '"small_recall"' in done.stdout


def test_slices_of_any_size_are_answered_once_and_as_they_are_alone(run_folder):
    rng = np.random.default_rng(0)
    sides = [64, 64, 64, 256, 64, 48]
    planes = [
        Plane(
            f"{at}",
            "A",
            "hu",
            rng.integers(-1000, 400, (n, n)).astype(np.int16),
            np.zeros((n, n), np.uint8),
            "",
            at,
            1.0,
        )
        for at, n in enumerate(sides)
    ]
    one = trained(run_folder, CPU)

    def answers(chosen):
        index = np.arange(len(chosen))
        return dict(predict(one.model, LesionSet(tuple(chosen), index, index), one.plan, one.prepare, CPU))

    whole = answers(planes)

    assert list(whole) == list(range(6))
    for at, plane in enumerate(planes):
        assert whole[at] == pytest.approx(answers([plane])[0], abs=1e-4)


def test_the_command_compares_with_a_baseline(run_folder, small_set):
    command = [
        sys.executable, "-m", "node", "judge-lesions", str(run_folder), "--data", str(small_set), "--split", "test",
        "--baseline", str(run_folder),
    ]  # fmt: skip

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "slice Dice +0.000 against the baseline" in done.stdout


def test_the_command_refuses_the_middle_of_what_is_shifted(run_folder, small_set):
    done = subprocess.run(
        [
            sys.executable, "-m", "node", "judge-lesions", str(run_folder), "--data", str(small_set), "--middle",
            "--shift-seed", "0",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "not in its middle" in done.stderr
