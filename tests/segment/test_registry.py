"""The registry: what is installed, whether it is unchanged, and what loads."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from node.errors import Misconfigured
from node.segment import rules
from node.segment.contract import Task
from node.segment.model_card import read_card
from node.segment.registry import find, installed, load_lungs, models_folder, verify

WEIGHTS_SHA256 = "6a09e667f3bcc908b2fb1366ea957d3e3adec17512775099da2f590b0667322a"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A copy of the shipped rule model in a folder of its own."""
    shutil.copytree(models_folder() / "lungs-rule", tmp_path / "lungs-rule")
    return tmp_path


def change(folder: Path, old: str, new: str) -> None:
    path = folder / "lungs-rule" / "model.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_shipped_models_are_unchanged():
    assert [card.name for card in installed() if not card.verified] == []


def test_the_rule_model_finds_lungs():
    assert find("lungs-rule").tasks == (Task.LUNGS,)


def test_a_loaded_model_says_which_digest_it_has(models):
    assert load_lungs("lungs-rule", models).identity.digest == find("lungs-rule", models).digest


def test_a_changed_option_changes_the_digest(models):
    before = find("lungs-rule", models).digest
    change(models, 'version = "1"', 'version = "2"')
    assert find("lungs-rule", models).digest != before


def test_another_text_for_people_keeps_the_digest(models):
    before = find("lungs-rule", models).digest
    (models / "lungs-rule" / "CARD.md").write_text("other words")
    assert find("lungs-rule", models).digest == before


def test_tampered_weights_do_not_load(models):
    (models / "lungs-rule" / "weights.safetensors").write_bytes(b"trained")
    change(models, "[files]", f'[files]\n"weights.safetensors" = "{WEIGHTS_SHA256}"')
    with pytest.raises(Misconfigured, match=r"weights\.safetensors") as caught:
        load_lungs("lungs-rule", models)
    assert caught.value.code == "SYS-MODEL"


def test_a_missing_file_is_named(models):
    change(models, "[files]", f'[files]\n"weights.safetensors" = "{WEIGHTS_SHA256}"')
    with pytest.raises(Misconfigured, match=r"weights\.safetensors"):
        verify("lungs-rule", models)


def test_a_file_that_nobody_listed_is_not_trusted(models):
    (models / "lungs-rule" / "stray.safetensors").write_bytes(b"?")
    with pytest.raises(Misconfigured, match=r"stray\.safetensors"):
        verify("lungs-rule", models)


def test_a_model_for_another_version_of_the_code_does_not_load(models):
    change(models, f'algorithm = "{rules.ALGORITHM}"', 'algorithm = "lungs-rule/0"')
    with pytest.raises(Misconfigured, match="lungs-rule/0"):
        load_lungs("lungs-rule", models)


def test_a_model_without_the_task_lungs_does_not_load_as_one(models):
    change(models, 'tasks = ["lungs"]', 'tasks = ["lesions"]')
    with pytest.raises(Misconfigured, match="not lungs"):
        load_lungs("lungs-rule", models)


def test_a_model_that_is_not_installed_is_named_with_those_that_are():
    with pytest.raises(Misconfigured, match="lungs-rule"):
        load_lungs("nothing")


def test_an_unknown_key_is_refused(models):
    change(models, 'paper = ""', 'paper = ""\ncolour = "red"')
    with pytest.raises(Misconfigured, match="colour"):
        installed(models)


def test_a_folder_with_another_name_than_its_model_is_refused(models):
    (models / "lungs-rule").rename(models / "lungs-other")
    with pytest.raises(Misconfigured, match="lungs-rule"):
        read_card(models / "lungs-other")


def test_a_folder_that_does_not_exist_is_a_configuration_error(tmp_path):
    with pytest.raises(Misconfigured):
        installed(tmp_path / "absent")


def test_listing_models_and_loading_the_rules_needs_no_torch():
    code = (
        "import sys; from node.segment.registry import load_lungs; load_lungs('lungs-rule');"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
