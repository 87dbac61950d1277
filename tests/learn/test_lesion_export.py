"""A training of a tumour network becomes a model that the node loads, finds with, and knows the licences of."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from node.cli.data import app as data_app
from node.errors import InputRefused, WrongUsage
from node.learn.calibrate import calibrate
from node.learn.calibrated_model import keep_calibration
from node.learn.export_lesions import export_lesions, join
from node.learn.lesion_finders import seen_of
from node.learn.lesion_session import LesionWish, run
from node.learn.lesion_trained import trained
from node.segment.contract import Task
from node.segment.registry import load_lesions, verify
from node.segment.runtime import runtime
from tests.learn.conftest import write_cubes, write_set
from tests.lesions.test_calibration import made

CPU = runtime("cpu", "fp32")


@pytest.fixture(scope="module")
def tumour_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A P2 that has hardly learnt anything."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("tumours")
    small = write_set(root / "set", {"A": "train", "B": "train", "D": "val"}, licence="CC BY-SA 4.0")
    wish = LesionWish(
        "attention-unet-hybrid", (small,), root / "run", width=4, crop=32, epochs=1, slices_per_epoch=16,
        precision="fp32", device="cpu", recipe="zscore", switches=("depth=2",), neighbours=1,
    )  # fmt: skip
    run(wish, lambda _: None)
    torch.set_num_threads(threads)
    return root / "run"


@pytest.fixture(scope="module")
def cube_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of whole cubes that has hardly learnt anything."""
    root = tmp_path_factory.mktemp("cubes")
    wish = LesionWish(
        "cube-unet", (write_cubes(root / "set"),), root / "run", width=2, crop=16, epochs=1, precision="fp32",
        device="cpu", threads=1,
    )  # fmt: skip
    run(wish, lambda _: None)
    return root / "run"


def test_an_exported_training_is_verified_loaded_and_says_what_it_learnt_from(tumour_run, tmp_path):
    shown = CliRunner().invoke(
        data_app,
        [
            "export",
            str(tumour_run),
            "--name",
            "p2",
            "--models",
            str(tmp_path),
            "--threshold",
            "0.4",
            "--tiles",
            "seeds",
        ],
    )
    assert shown.exit_code == 0, shown.output

    card, model = verify("p2", tmp_path), load_lesions("p2", tmp_path)
    (one,) = model.finder.nets

    assert card.tasks == (Task.LESIONS,)
    assert card.licence == "CC BY-SA 4.0"
    assert model.finder.plan.threshold == 0.4
    assert one.plan.tiles == "seeds"
    assert one.plan.neighbours == 1
    assert model.train_cases == {"A", "B"}
    assert "not for diagnosis" in card.text()
    assert "Training cases: A, B." in card.text()
    weights = (tmp_path / "p2" / "weights.safetensors").stat().st_size
    n = sum(p.numel() for p in one._model.parameters())
    assert weights < 2.2 * n + 60_000  # half precision


def test_a_training_and_its_export_look_at_a_scan_alike(tumour_run, tmp_path):
    export_lesions(tumour_run, "p2", tmp_path)
    of_run, of_model = seen_of(str(tumour_run), tmp_path, CPU), seen_of("p2", tmp_path, CPU)
    assert of_run.train_cases == of_model.train_cases == frozenset({"A", "B"})
    a, b = of_run.finder.nets[0].plan, of_model.finder.nets[0].plan
    assert (a.recipe, a.size, a.neighbours, a.run_length) == (b.recipe, b.size, b.neighbours, b.run_length)
    assert a.mean_hu == pytest.approx(trained(tumour_run, CPU).moments_hu[0])
    assert a.mean_hu == pytest.approx(b.mean_hu)


def test_weights_that_are_not_free_must_say_so(tumour_run, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(tumour_run, copy)
    told = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps(told | {"free": False, "licences": ["CC BY-NC 3.0"]}))
    with pytest.raises(InputRefused) as caught:
        export_lesions(copy, "p2", tmp_path / "models")
    assert caught.value.code == "EXPORT-LICENCE"
    export_lesions(copy, "p2-nc", tmp_path / "models")
    assert verify("p2-nc", tmp_path / "models").licence == "not free: see CARD.md"


def test_an_ensemble_with_a_member_that_is_not_free_is_not_free(tumour_run, tmp_path):
    copy = shutil.copytree(tumour_run, tmp_path / "run")
    told = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps(told | {"free": False, "licences": ["our hospital"]}))
    export_lesions(tumour_run, "p2", tmp_path)
    export_lesions(copy, "p2-nc", tmp_path)
    members = [verify(name, tmp_path) for name in ("p2", "p2-nc")]

    with pytest.raises(InputRefused) as caught:
        join("both", members, tmp_path)
    assert caught.value.code == "EXPORT-LICENCE"
    assert "not free" in caught.value.message
    with pytest.raises(WrongUsage):
        join("Both_nc", members, tmp_path)
    join("both-nc", members, tmp_path)
    assert verify("both-nc", tmp_path).licence == "not free: see CARD.md"


def test_a_training_of_cubes_draws_nodules_and_is_joined_to_what_finds_them(tumour_run, cube_run, tmp_path):
    words = ("--models", str(tmp_path), "--threshold", "0.4", "--flips")
    shown = CliRunner().invoke(data_app, ["export", str(cube_run), "--name", "drawn", *words])
    assert shown.exit_code == 0, shown.output
    for name in ("one", "two"):
        export_lesions(tumour_run, name, tmp_path)

    refused = CliRunner().invoke(data_app, ["join", "all", "one", "two", "--outlines", "one", *words[:2]])
    joined = CliRunner().invoke(data_app, ["join", "all", "one", "two", "--outlines", "drawn", *words[:2]])

    card = verify("drawn", tmp_path)
    assert card.tasks == (Task.NODULES,)
    assert card.options == {"threshold": 0.4, "flips": True}
    assert "Draws nodules anew" in card.text()
    assert "Confidence" not in card.text()
    assert refused.exit_code == 2
    assert joined.exit_code == 0, joined.output
    assert "drawn anew by drawn 1" in verify("all", tmp_path).text()
    outliner = load_lesions("all", tmp_path).finder.outliner
    assert outliner is not None
    assert outliner.train_cases == {f"P{n}" for n in range(5)}


def test_outlines_that_are_not_free_make_a_model_that_is_not(tumour_run, cube_run, tmp_path):
    copy = shutil.copytree(cube_run, tmp_path / "run")
    told = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps(told | {"free": False, "licences": ["our hospital"]}))
    export_lesions(copy, "drawn-nc", tmp_path)
    for name in ("one", "two"):
        export_lesions(tumour_run, name, tmp_path)
    members = [verify(name, tmp_path) for name in ("one", "two")]

    with pytest.raises(InputRefused) as caught:
        join("all", members, tmp_path, outlines=verify("drawn-nc", tmp_path))

    assert caught.value.code == "EXPORT-LICENCE"


def test_a_folder_without_an_epoch_is_not_exported(tmp_path):
    with pytest.raises(InputRefused) as caught:
        export_lesions(tmp_path, "p2", tmp_path / "models")
    assert caught.value.code == "EXPORT-UNREAD"


def test_a_calibration_is_verified_shown_in_the_card_and_gone_with_new_weights(tumour_run, tmp_path):
    export_lesions(tumour_run, "p2", tmp_path)
    before = verify("p2", tmp_path).digest

    keep_calibration(calibrate(made()), tmp_path / "p2")

    card = verify("p2", tmp_path)
    assert card.digest != before
    assert "Expected calibration error" in card.text()
    assert "Not calibrated" not in card.text()
    assert "## Limits" in card.text()
    assert load_lesions("p2", tmp_path).finder.confidence is not None
    export_lesions(tumour_run, "p2", tmp_path)
    assert load_lesions("p2", tmp_path).finder.confidence is None
    assert verify("p2", tmp_path).digest == before


def test_models_are_joined_by_the_command(tumour_run, tmp_path):
    for name in ("one", "two"):
        export_lesions(tumour_run, name, tmp_path)
    shown = CliRunner().invoke(data_app, ["join", "both", "one", "two", "--models", str(tmp_path), "--json"])
    assert shown.exit_code == 0, shown.output
    assert len(load_lesions("both", tmp_path).finder.nets) == 2
