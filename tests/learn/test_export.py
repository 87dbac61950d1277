"""A run becomes a model that the node loads, and says what it learnt from."""

import json
import shutil

import numpy as np
import pytest

from node.errors import InputRefused, Misconfigured, WrongUsage
from node.facts.series import SeriesFacts
from node.learn import checkpoint
from node.learn.catalogue import entry
from node.learn.export import Answer, export
from node.learn.learnt_from import OUR_RULE
from node.segment.contract import LungDefinition, Segmentation
from node.segment.model_card import read_card
from node.segment.network_model import load_network
from node.segment.networks import table
from node.segment.registry import installed, load_lungs, verify
from node.segment.runtime import runtime
from node.volume.volume import Volume
from tests.learn.conftest import two_lungs, volume


def test_an_exported_run_loads_and_finds_a_right_and_a_left_lung(trained, tmp_path):
    export(trained, "unet-w4", tmp_path)

    found = load_lungs("unet-w4", tmp_path, threads=1).segment(volume(two_lungs()))

    assert isinstance(found, Segmentation)
    assert found.definition is LungDefinition.WITHOUT_LESIONS
    assert [segment.name for segment in found.segments] == ["Right lung", "Left lung"]
    right, left = (np.argwhere(found.labels_zyx == label)[:, 2].mean() for label in (1, 2))
    assert right < 32 < left


def test_the_same_volume_gives_the_same_lungs(trained, tmp_path):
    export(trained, "unet-w4", tmp_path)
    hu = two_lungs()

    one, other = (load_lungs("unet-w4", tmp_path, threads=1).segment(volume(hu)) for _ in range(2))

    assert np.array_equal(one.labels_zyx, other.labels_zyx)


def test_a_scan_stored_upside_down_gives_the_same_lungs_turned(trained, tmp_path):
    export(trained, "unet-w4", tmp_path)
    model = load_lungs("unet-w4", tmp_path, threads=1)
    hu = two_lungs()
    turned = Volume(
        hu[::-1].astype(np.int16),
        np.array([[0, 0, 4.0, 0], [0, 4.0, 0, 0], [-5.0, 0, 0, 95.0], [0, 0, 0, 1]]),
        (), 5.0, 0.0, (), SeriesFacts(()),
    )  # fmt: skip

    straight, upside_down = model.segment(volume(hu)), model.segment(turned)

    assert np.array_equal(upside_down.labels_zyx[::-1], straight.labels_zyx)


def test_a_volume_without_lungs_is_refused(trained, tmp_path):
    export(trained, "unet-w4", tmp_path)

    refused = load_lungs("unet-w4", tmp_path, threads=1).segment(volume(np.full((4, 64, 64), 40.0)))

    assert refused.leading.code == "SEG-EMPTY"


def test_the_folder_is_verified_and_its_card_lists_cases_and_licences(trained, tmp_path):
    folder = export(trained, "unet-w4", tmp_path)

    assert verify("unet-w4", tmp_path).verified
    card = (folder / "CARD.md").read_text()
    assert "Training cases: A, B, C." in card
    assert "CC BY 3.0" in card
    assert "It learnt from labels of origin rule, as the index of its set says." in card
    assert "-280 HU" not in card  # the rule of `lungnode data pseudo` made none of these
    assert "not for diagnosis" in card


def test_changed_weights_do_not_load(trained, tmp_path):
    folder = export(trained, "unet-w4", tmp_path)
    data = bytearray((folder / "weights.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "weights.safetensors").write_bytes(data)

    with pytest.raises(Misconfigured) as caught:
        load_lungs("unet-w4", tmp_path)
    assert caught.value.code == "SYS-MODEL"


def test_other_weights_have_another_digest(trained, tmp_path):
    folder = export(trained, "unet-w4", tmp_path)
    digest = installed(tmp_path)[0].digest
    text = (folder / "model.toml").read_text()
    (folder / "model.toml").write_text(text.replace("threshold = 0.5", "threshold = 0.4"))

    assert installed(tmp_path)[0].digest != digest


def test_a_run_on_other_licences_needs_a_name_that_says_so(trained, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    told = json.loads((run / "run.json").read_text()) | {"free": False, "licences": ["CC BY-NC 3.0"]}
    (run / "run.json").write_text(json.dumps(told))

    with pytest.raises(InputRefused) as caught:
        export(run, "unet-w4", tmp_path)
    assert caught.value.code == "EXPORT-LICENCE"
    export(run, "unet-w4-nc", tmp_path)
    assert verify("unet-w4-nc", tmp_path).licence == "not free: see CARD.md"
    assert "Not for default use" in (tmp_path / "unet-w4-nc" / "CARD.md").read_text()


def test_what_a_training_is_called_may_hold_quotes(trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    told = json.loads((run / "run.json").read_text()) | {"title": 'a "small" U-Net'}
    (run / "run.json").write_text(json.dumps(told))

    export(run, "unet-w4", tmp_path / "models")

    assert verify("unet-w4", tmp_path / "models").title == 'a "small" U-Net, without lesions'


def test_the_card_of_lungs_learnt_from_the_rule_made_set_says_how_it_was_made(trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    told = json.loads((run / "run.json").read_text()) | {"label_origins": [OUR_RULE]}
    (run / "run.json").write_text(json.dumps(told))

    card = (export(run, "unet-w4", tmp_path / "models") / "CARD.md").read_text()

    assert "air inside the body below -280 HU" in card
    assert "how well the rule is copied" in card


@pytest.mark.parametrize("name", ["My_Lungs", "../lungs", "-x", "a" * 33, ""])
def test_a_name_that_no_model_may_have_is_refused_before_anything_is_written(trained, tmp_path, name):
    with pytest.raises(WrongUsage, match="cannot be a model's name"):
        export(trained, name, tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_a_model_that_cannot_be_read_keeps_no_other_from_being_loaded(trained, tmp_path):
    export(trained, "unet-w4", tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.toml").write_text("nothing")

    assert verify("unet-w4", tmp_path).name == "unet-w4"


def test_a_run_without_a_finished_epoch_is_refused(tmp_path):
    with pytest.raises(InputRefused) as caught:
        export(tmp_path, "nothing", tmp_path)
    assert caught.value.code == "EXPORT-UNREAD"


def test_the_card_says_what_was_reached_and_the_model_averages_mirror_images(trained, tmp_path):
    folder = export(trained, "unet-w4", tmp_path, answer=Answer(0.4, True), figures=(("LUNG1-007, Dice", "0.98"),))

    assert "- LUNG1-007, Dice: 0.98" in (folder / "CARD.md").read_text()
    assert {"threshold": 0.4, "flips": True}.items() <= installed(tmp_path)[0].options.items()
    assert isinstance(load_lungs("unet-w4", tmp_path, threads=1).segment(volume(two_lungs())), Segmentation)


@pytest.mark.parametrize("switch", ["bounded", "rrm"])
def test_a_switch_of_the_network_that_was_trained_is_there_in_the_node_too(trained, tmp_path, monkeypatch, switch):
    run = shutil.copytree(trained, tmp_path / "run")
    told = json.loads((run / "run.json").read_text())
    sizes = {"channels": 1, "width": 2, switch: False}
    (run / "run.json").write_text(json.dumps(told | {"model": "fusionlungnet", "paper": "P1", "sizes": sizes}))
    network = entry("fusionlungnet").build(sizes)
    checkpoint.save(run / "best.safetensors", network, None, {"epoch": 0, "val_dice": 0.5})
    folder = export(run, "without", tmp_path / "models")
    built = []
    monkeypatch.setattr(table, "build", lambda kind, of: built.append((kind, of)) or network)

    load_network(read_card(folder), runtime("cpu"))

    assert built == [("fusionlungnet", sizes)]


def test_a_model_that_says_true_where_a_probability_is_asked_for_is_refused_with_what_to_write(trained, tmp_path):
    folder = export(trained, "unet-w4", tmp_path)
    toml = folder / "model.toml"
    text = toml.read_text()
    toml.write_text("\n".join("sure_dense = true" if "sure_dense" in line else line for line in text.split("\n")))

    with pytest.raises(Misconfigured, match=r"write 0\.94 for true") as caught:
        load_network(read_card(folder), runtime("cpu"))

    assert caught.value.code == "SYS-MODEL"
