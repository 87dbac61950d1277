"""The commands are thin: they parse, call one function, and print one JSON object."""

import json

import pytest
from typer.main import get_command

from node.cli import data, evaluate, train
from node.errors import InputRefused


def test_train_prints_its_summary_as_one_object(small_set, tmp_path, capsys):
    options = "--protocol reduced --width 4 --size 64 --epochs 1 --device cpu --precision fp32 --switch depth=2 --json"

    train.app(["unet", "--data", str(small_set), "--out", str(tmp_path), *options.split()], standalone_mode=False)

    summary = json.loads(capsys.readouterr().out)
    assert (summary["model"], summary["epochs"], summary["sizes"]["depth"]) == ("unet", 1, 2)
    for name in ("run.json", "curve.csv", "curve.json", "curve.png", "best.safetensors", "checkpoint.safetensors"):
        assert (tmp_path / name).stat().st_size > 0


def test_train_names_what_there_is_when_asked_for_something_else(small_set, tmp_path):
    with pytest.raises(InputRefused, match="aru-net"):
        train.app(["no-such-net", "--data", str(small_set), "--out", str(tmp_path)], standalone_mode=False)


def test_evaluate_prints_the_contracts_fields_and_writes_the_page(trained, small_set, tmp_path, capsys):
    where = ["--where", "case=E", "--device", "cpu", "--out", str(tmp_path), "--json"]

    evaluate.app([str(trained), "--data", str(small_set), *where], standalone_mode=False)

    answer = json.loads(capsys.readouterr().out)
    contract = {"name", "split", "n_cases", "n_slices", "dice_mean", "dice_sd", "dice_pooled_mean", "dice_slice_median"}
    assert contract <= answer["models"][0].keys()
    assert answer["out"] == str(tmp_path)
    assert (tmp_path / "index.html").is_file()


def test_export_writes_a_model_folder(trained, tmp_path, capsys):
    data.app(["export", str(trained), "--name", "unet-w4", "--models", str(tmp_path), "--json"], standalone_mode=False)

    assert json.loads(capsys.readouterr().out) == {"folder": str(tmp_path / "unet-w4")}
    assert {path.name for path in (tmp_path / "unet-w4").iterdir()} == {
        "weights.safetensors",
        "training.json",
        "model.toml",
        "CARD.md",
        "curve.csv",
    }


@pytest.mark.parametrize(
    ("app", "words"),
    [(train.app, ()), (evaluate.app, ()), *((data.app, (name,)) for name in get_command(data.app).commands)],
    ids=["train", "evaluate", *get_command(data.app).commands],
)
def test_every_command_explains_itself_with_an_example(app, words, capsys):
    with pytest.raises(SystemExit) as ended:
        app([*words, "--help"])

    assert ended.value.code == 0
    assert "Example: lungnode" in capsys.readouterr().out
