"""`lungnode train` for every system: it takes the options of `train-lesions` for tumours, and says what it can't."""

import json

import nibabel
import numpy as np
import pytest
import structlog
from typer.testing import CliRunner

from node.cli.main import app
from node.errors import InputRefused
from node.learn import lesion_judge, lesion_session, session
from node.learn.index import read_index
from node.learn.lesion_session import LesionWish
from node.learn.session import Wish
from node.learn.slices import read_slice, sliced
from node.segment.contract import LungDefinition
from node.segment.runtime import runtime
from tests.learn.conftest import write_set

WITHOUT = LungDefinition.WITHOUT_LESIONS
SMALL = ["--protocol", "reduced", "--width", "4", "--epochs", "1", "--device", "cpu", "--precision", "fp32"]
OF_TUMOURS = ["--crop", "32", "--slices", "16", "--neighbours", "0"]

pytestmark = pytest.mark.usefixtures("one_thread", "logs_as_before", "called_with_words")


@pytest.fixture
def logs_as_before():
    """Undo what the whole program sets up: it would log to a stream that ends with its test."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture
def called_with_words(monkeypatch):
    """The program reads its own words to know whether it only lists commands; those of the tests' are no matter."""
    monkeypatch.setattr("sys.argv", ["lungnode", "train"])


def trained(words, small_set, out):
    done = CliRunner().invoke(app, ["train", *words, "--data", str(small_set), "--out", str(out), *SMALL])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads((out / "run.json").read_text())


@pytest.mark.parametrize(
    ("words", "task"),
    [
        (["attention-unet-hybrid", "--switch", "depth=2", *OF_TUMOURS], "lesions"),
        (["--any-licence", "--budget", "1", "raemd-net", *OF_TUMOURS], "lesions"),
        (["unet", "--task", "lesions", "--switch", "depth=2", *OF_TUMOURS], "lesions"),
        (["--task=lesions", "--fixed-rate", "unet", "--switch=depth=2", *OF_TUMOURS], "lesions"),
        (["unet", "--switch", "depth=2", "--size", "64"], "lungs"),
        (["unet", "--task", "lungs", "--switch", "depth=2", "--size", "64"], "lungs"),
    ],
    ids=["P2", "P4, name last", "baseline, tumours", "task first", "baseline", "baseline, lungs"],
)
def test_every_system_is_trained_by_one_command(small_set, tmp_path, words, task):
    assert trained(words, small_set, tmp_path / "run")["task"] == task


def test_a_folder_that_is_called_like_a_system_is_none(small_set, tmp_path):
    told = trained(
        ["--where", "domain=hu", "unet", "--switch", "depth=2", "--size", "64"], small_set, tmp_path / "raemd-net"
    )

    assert (told["model"], told["task"]) == ("unet", "lungs")


@pytest.mark.parametrize(
    ("words", "shown"),
    [([], "--loss-shares"), (["raemd-net"], "--crop"), (["unet", "--task", "lesions"], "--crop"), (["unet"], "--task")],
    ids=["lungs", "P4", "baseline, tumours", "baseline"],
)
def test_help_shows_the_options_of_the_system(words, shown):
    done = CliRunner().invoke(app, ["train", *words, "--help"], env={"COLUMNS": "200"})

    assert done.exit_code == 0
    assert shown in done.output


def test_an_option_of_tumours_names_the_task(small_set, tmp_path):
    words = ["train", "unet", "--crop", "32", "--data", str(small_set), "--out", str(tmp_path / "run")]

    done = CliRunner().invoke(app, words)

    assert done.exit_code == 2
    assert "--task lesions" in done.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["raemd-net", "--task", "lungs"], "train-lesions"),
        (["aru-net", "--task", "lesions"], "`lungnode train --help`"),
    ],
    ids=["P4 learns no lungs", "P0 learns no tumours"],
)
def test_a_system_learns_what_its_paper_does(small_set, tmp_path, words, told):
    with pytest.raises(InputRefused, match=told) as caught:
        trained(words, small_set, tmp_path / "run")
    assert caught.value.code == "MODEL-UNKNOWN"


@pytest.mark.parametrize(
    ("model", "told"),
    [("unet", "`lungnode train unet --task lesions --data"), ("aru-net", "`lungnode train dual-backbone-unet --data")],
    ids=["baseline", "P0"],
)
def test_a_set_of_tumours_alone_names_the_command_that_learns_them(tmp_path, model, told):
    data = write_set(tmp_path / "set", {"A": "train", "B": "val"}, label="255 = tumour")

    with pytest.raises(InputRefused, match=told) as caught:
        session.rows_of(Wish(model, data, tmp_path / "run"), WITHOUT)
    assert caught.value.code == "SET-EMPTY"


@pytest.mark.parametrize(
    ("model", "told"),
    [("unet", "`lungnode train unet --data"), ("raemd-net", "`lungnode train aru-net --data")],
    ids=["baseline", "P4"],
)
def test_a_set_of_lungs_alone_names_the_command_that_learns_them(tmp_path, model, told):
    data = write_set(tmp_path / "set", {"A": "train", "B": "val"}, label="255 = lung")

    with pytest.raises(InputRefused, match=told) as caught:
        lesion_session.rows_of(LesionWish(model, (data,), tmp_path / "run"))
    assert caught.value.code == "SET-EMPTY"


@pytest.mark.parametrize(
    ("label", "told"),
    [("adenocarcinoma", r"`lungnode train-classifier subtype --data \S+ --out RUN"), ("a", r"docs/own-data\.md")],
    ids=["labels-of-subtypes", "other-labels"],
)
def test_a_set_without_outlines_names_what_can_be_done_with_it(tmp_path, label, told):
    data = write_set(tmp_path / "set", {"A": "train", "B": "val"}, label=label)

    with pytest.raises(InputRefused, match=told) as lungs:
        session.rows_of(Wish("unet", data, tmp_path / "run"), WITHOUT)
    with pytest.raises(InputRefused, match=told) as lesions:
        lesion_session.rows_of(LesionWish("unet", (data,), tmp_path / "run"))
    with pytest.raises(InputRefused, match=told) as judged:
        lesion_judge.judge_held_out([], read_index(data), lesion_judge.Finish(), runtime("cpu", "fp32"))
    assert [one.value.code for one in (lungs, lesions, judged)] == ["SET-EMPTY", "SET-EMPTY", "EVAL-EMPTY"]


@pytest.fixture
def volumes(tmp_path):
    """Two patients' volumes of six slices with lungs on four of them, and one in which nobody outlined lungs."""
    folder = tmp_path / "volumes"
    folder.mkdir()
    lines = ["case,ct,label,domain,lung_label,label_key,split,label_origin,licence"]
    for number, (case, split, lung) in enumerate((("V", "train", "1"), ("W", "val", "1"), ("X", "train", ""))):
        hu = np.full((64, 64, 6), 40, np.int16)
        label = np.zeros((64, 64, 6), np.uint8)
        label[16:48, 16:40, 1:5] = 1
        hu[label == 1] = -800 - number
        hu[:8] = -1000
        for name, voxels in (("ct", hu), ("label", label)):
            nibabel.save(nibabel.Nifti1Image(voxels, np.diag([-1.5, -1.5, 2.0, 1.0])), folder / f"{case}_{name}.nii.gz")
        lines.append(f'{case},{case}_ct.nii.gz,{case}_label.nii.gz,hu,{lung},"1 = lung",{split},expert,CC BY 4.0')
    (folder / "index.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_lungs_are_learnt_from_the_slices_of_volumes(volumes, tmp_path):
    words = ["unet", "--switch", "depth=2", "--switch", "channels=3", "--size", "64"]

    told = trained(words, volumes, tmp_path / "run")

    assert (told["n_train"], told["n_val"]) == (6, 6)
    assert (told["train_cases"], told["val_cases"]) == (["V"], ["W"])


def test_a_slice_of_a_volume_is_what_the_file_holds(volumes):
    slices = list(sliced(read_index(volumes, where=("case=W",))))

    assert [row.id for row in slices] == [f"W_z{z:03d}" for z in range(6)]
    read = [read_slice(row) for row in slices]
    assert [int((one.mask_yx == 1).sum()) for one in read] == [0, 768, 768, 768, 768, 0]
    assert {float(one.hu_yx[one.mask_yx == 1].mean()) for one in read[1:5]} == {-801.0}
    assert read[0].spacing_yx_mm == (1.5, 1.5)


def test_a_label_of_another_size_is_refused(volumes):
    short = nibabel.Nifti1Image(np.ones((64, 64, 3), np.uint8), np.diag([-1.5, -1.5, 2.0, 1.0]))
    nibabel.save(short, volumes / "W_label.nii.gz")

    with pytest.raises(InputRefused, match="differ in size") as caught:
        read_slice(next(sliced(read_index(volumes, where=("case=W",)))))
    assert caught.value.code == "SET-UNREAD"


def test_runs_of_slices_are_not_learnt_from_crops(tmp_path):
    data = write_set(tmp_path / "set", {"A": "train", "B": "val"}, label="bitmask: bit k = reader k+1")
    first, *lines = (data / "index.csv").read_text().splitlines()
    (data / "index.csv").write_text("\n".join([f"{first},tile", *(f"{line},0" for line in lines)]) + "\n")

    with pytest.raises(InputRefused, match="--crop") as caught:
        lesion_session.run(LesionWish("raemd-net", (data,), tmp_path / "run"), lambda _: None)
    assert caught.value.code == "SET-EMPTY"
