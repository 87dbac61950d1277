"""A training that begins with weights: a run's or an installed model's, with what they learnt from and by."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from node.cli.train import app as train_app
from node.errors import InputRefused, Misconfigured
from node.learn import catalogue, checkpoint, lesion_session, session
from node.learn.beginning import beginning
from node.learn.export import export
from node.learn.export_lesions import export_lesions
from node.learn.index import read_index
from node.learn.lesion_session import LesionWish
from node.learn.phases import phases_with_rows
from node.learn.protocol import paper
from node.learn.session import Wish
from node.segment import registry
from tests.learn.conftest import write_set

SIZES = {"width": 4, "switches": ("depth=3",), "size": 64}
TOLD = {"channels": 1, "width": 4, "depth": 3}
STILL = 1e-12  # a learning rate by which nothing moves


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """Patients that the trained run has not seen."""
    return write_set(tmp_path / "others", {"X": "train", "Y": "train", "Z": "val"})


def wish(data: Path, out: Path, init: Path | None, **other: object) -> Wish:
    told = SIZES | {"epochs": 1, "lr": STILL, "precision": "fp32", "device": "cpu", "init": init} | other
    return Wish("unet", data, out, **told)


def go(asked: Wish) -> dict:
    return session.run(asked, lambda _: None)


def refused(asked: Wish) -> InputRefused:
    with pytest.raises(InputRefused) as caught:
        go(asked)
    return caught.value


def best_dice(run: Path) -> float:
    return json.loads((run / "run.json").read_text())["best_val_dice"]


def test_a_training_goes_on_from_a_runs_best_weights(trained, others, tmp_path):
    told = go(wish(others, tmp_path / "run", trained))
    fresh = go(wish(others, tmp_path / "fresh", None))

    assert told["best_val_dice"] > 0.8 > fresh["best_val_dice"]
    assert told["init"].startswith("epoch ")
    assert told["init_digest"].startswith(told["init"][-12:])
    assert fresh["init"] is fresh["init_digest"] is None


@pytest.mark.parametrize("by", ["folder", "name"])
def test_a_training_goes_on_from_an_installed_models_half_precision(trained, others, tmp_path, monkeypatch, by):
    folder = export(trained, "unet-w4", tmp_path / "models", version="7")
    monkeypatch.setattr(registry, "shipped", lambda _: tmp_path / "models")
    place = folder if by == "folder" else Path("unet-w4")

    told = go(wish(others, tmp_path / "run", place))
    begun = beginning(place, "unet", "unet", TOLD)

    assert told["best_val_dice"] > 0.8
    assert told["init"].startswith("model unet-w4 7, SHA-256 ")
    halves = load_file(folder / "weights.safetensors")
    assert all(torch.equal(begun.weights[name], t.to(begun.weights[name].dtype)) for name, t in halves.items())
    assert {t.dtype for t in begun.weights.values()} == {torch.float32, torch.int64}


def test_the_patients_and_licences_of_the_beginning_count(trained, others, tmp_path):
    index = others / "index.csv"
    index.write_text(index.read_text().replace("CC BY 3.0", "MIT"))

    told = go(wish(others, tmp_path / "run", trained))
    card = (export(tmp_path / "run", "unet-w4", tmp_path / "models") / "CARD.md").read_text()

    assert told["train_cases"] == ["A", "B", "C", "X", "Y"]
    assert told["init_cases"] == ["A", "B", "C"]
    assert told["licences"] == ["CC BY 3.0", "MIT"]
    assert f"Begun with: {told['init']}, which had learnt from 3 further patients" in card
    assert "8 slices of 2 patients" in card
    assert "Training cases: A, B, C, X, Y." in card
    training = json.loads((tmp_path / "models" / "unet-w4" / "training.json").read_text())
    assert (training["init"], training["train_cases"]) == (told["init"], told["train_cases"])


def test_a_card_without_a_beginning_says_so(trained, tmp_path):
    assert "Begun with: random weights." in (export(trained, "unet-w4", tmp_path) / "CARD.md").read_text()


def test_a_patient_that_the_weights_know_is_not_validated_on(trained, tmp_path):
    known = write_set(tmp_path / "known", {"X": "train", "B": "val"})

    error = refused(wish(known, tmp_path / "run", trained))

    assert (error.code, "B" in str(error)) == ("SET-LEAK", True)


def test_weights_that_are_not_free_must_be_asked_for_and_stay_marked(trained, others, tmp_path):
    run = tmp_path / "unfree"
    shutil.copytree(trained, run)
    told = json.loads((run / "run.json").read_text()) | {"free": False, "licences": ["CC BY-NC 3.0"]}
    (run / "run.json").write_text(json.dumps(told))

    assert refused(wish(others, tmp_path / "run", run)).code == "SET-LICENCE"
    summary = go(wish(others, tmp_path / "run", run, any_licence=True))
    assert summary["free"] is False
    assert "CC BY-NC 3.0" in summary["licences"]


@pytest.mark.parametrize(
    ("other", "words"),
    [({"width": 6}, "width 4, not 6"), ({"switches": ("depth=2",)}, "depth 3, not 2")],
)
@pytest.mark.parametrize("of", ["run", "model"])
def test_weights_of_other_sizes_are_refused(trained, others, tmp_path, other, words, of):
    place = trained if of == "run" else export(trained, "unet-w4", tmp_path / "models")

    error = refused(wish(others, tmp_path / "run", place, **other))

    assert (error.code, words in str(error)) == ("INIT-OTHER", True)


def test_weights_of_another_network_are_refused(trained, others, tmp_path):
    places = (trained, export(trained, "unet-w4", tmp_path / "models"), Path("lungs-rule"))
    asked = [replace(wish(others, tmp_path / "run", place), model="aru-net") for place in places]

    assert [refused(one).code for one in asked] == ["INIT-OTHER"] * 3


def test_a_tensor_that_does_not_fit_is_refused_whatever_the_sizes_say(trained):
    begun = beginning(trained, "unet", "unet", TOLD)
    network = catalogue.entry("segnet").build({"channels": 1, "width": 4})

    with pytest.raises(InputRefused) as caught:
        begun.put_into(network)
    assert caught.value.code == "INIT-OTHER"


def test_where_there_are_no_weights_the_models_are_named(others, tmp_path):
    error = refused(wish(others, tmp_path / "run", tmp_path / "nothing"))

    assert (error.code, "lungs-rule" in str(error)) == ("INIT-UNREAD", True)


def test_a_model_that_was_changed_is_not_begun_with(trained, others, tmp_path):
    folder = export(trained, "unet-w4", tmp_path / "models")
    (folder / "training.json").write_text((folder / "training.json").read_text() + " ")

    with pytest.raises(Misconfigured, match="not as shipped"):
        go(wish(others, tmp_path / "run", folder))


def test_an_interrupted_run_goes_on_with_its_own_beginning_alone(trained, others, tmp_path):
    whole: list = []
    parts: list = []
    session.run(wish(others, tmp_path / "whole", trained, epochs=3, lr=1e-3), whole.append)
    asked = wish(others, tmp_path / "parts", trained, epochs=3, lr=1e-3)
    session.run(replace(asked, budget_min=1e-6), parts.append)

    assert refused(replace(asked, init=None)).code == "RUN-OTHER"
    session.run(asked, parts.append)

    assert [(p.epoch, p.train_loss, p.val_dice) for p in parts] == [(p.epoch, p.train_loss, p.val_dice) for p in whole]


def test_the_command_begins_with_weights(trained, others, tmp_path):
    command = [
        "unet", "--data", str(others), "--out", str(tmp_path / "run"), "--protocol", "reduced", "--width", "4",
        "--switch", "depth=3", "--size", "64", "--epochs", "1", "--lr", "1e-12", "--init", str(trained), "--device",
        "cpu", "--precision", "fp32", "--json",
    ]  # fmt: skip

    shown = CliRunner().invoke(train_app, command)

    assert shown.exit_code == 0, shown.output
    assert best_dice(tmp_path / "run") > 0.8


def test_freezing_has_a_meaning_for_weights_that_have_learnt_something(small_set):
    rows = read_index(small_set)  # one domain, no public slices
    phases = paper(catalogue.entry("aru-net")).phases

    assert [p.name[0] for p in phases_with_rows(phases, rows, has_learnt=True)] == ["a", "b", "c"]
    assert [p.name[0] for p in phases_with_rows(phases, rows)] == ["c"]


def tumours(data: Path, out: Path, init: Path | None, **other: object) -> LesionWish:
    told = {"width": 4, "crop": 32, "epochs": 1, "slices_per_epoch": 8, "precision": "fp32", "device": "cpu",
            "recipe": "zscore", "switches": ("depth=2",), "neighbours": 1, "init": init}  # fmt: skip
    return LesionWish("attention-unet-hybrid", (data,), out, **(told | other))


@pytest.mark.parametrize("of", ["run", "model"])
def test_z_scores_stay_those_that_the_weights_learnt_with(small_set, tmp_path, of):
    darker = write_set(tmp_path / "darker", {"X": "train", "Z": "val"}, hu_intercept="-1400")
    first = lesion_session.run(tumours(small_set, tmp_path / "first", None), lambda _: None)
    place = tmp_path / "first" if of == "run" else export_lesions(tmp_path / "first", "p2", tmp_path / "models")

    own = lesion_session.run(tumours(darker, tmp_path / "own", None), lambda _: None)
    kept = lesion_session.run(tumours(darker, tmp_path / "kept", place), lambda _: None)

    assert own["moments_hu"] != first["moments_hu"]
    assert list(kept["moments_hu"]) == list(first["moments_hu"])
    assert checkpoint.notes_of(tmp_path / "kept" / "best.safetensors")["moments_hu"] == list(first["moments_hu"])
    text = (export_lesions(tmp_path / "kept", "again", tmp_path / "models") / "CARD.md").read_text()
    assert f"Begun with: {kept['init']}" in text
    assert "Training cases: A, B, C, X." in text


def test_other_recipes_and_channels_are_their_own(small_set, tmp_path):
    lesion_session.run(tumours(small_set, tmp_path / "first", None, recipe="unit"), lambda _: None)
    darker = write_set(tmp_path / "darker", {"X": "train", "Z": "val"}, hu_intercept="-1400")

    begun = beginning(tmp_path / "first", "attention-unet-hybrid", "attention_unet_hybrid", {"width": 4})
    assert begun.moments_hu is None
    with pytest.raises(InputRefused, match="channels 3, not 6"):
        lesion_session.run(tumours(darker, tmp_path / "kept", tmp_path / "first", recipe="windows"), lambda _: None)


def test_weights_of_one_slice_begin_as_those_of_the_middle_of_three(trained, others, tmp_path):
    go(wish(others, tmp_path / "three", trained, switches=("depth=3", "channels=3")))

    assert best_dice(tmp_path / "three") > 0.9  # fresh weights stay under 0.8, see above
    (first, *_), (theirs, *_) = (
        [t for t in checkpoint.weights_of(run / "best.safetensors").values() if t.ndim == 4]
        for run in (tmp_path / "three", trained)
    )
    assert first.shape[1] == 3
    assert torch.allclose(first[:, 1:2], theirs, atol=1e-6)
    assert torch.allclose(first[:, ::2], torch.zeros_like(first[:, ::2]), atol=1e-6)
