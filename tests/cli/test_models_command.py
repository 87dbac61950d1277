"""`lungnode models`: one JSON object, the card, and a model that is not as shipped."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from node.segment.registry import models_folder


@pytest.fixture
def lungnode(tmp_path: Path):
    """Run the command with models of our own: (exit code, standard output)."""
    shutil.copytree(models_folder() / "lungs-rule", tmp_path / "models" / "lungs-rule")
    config = tmp_path / "lungnode.toml"
    config.write_text(f'models_dir = "{tmp_path / "models"}"\n')

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-c", "from node.cli.main import run; run()", "models", *arguments]
        environ = os.environ | {"LUNGNODE_CONFIG": str(config)}
        done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=120, check=False)
        return done.returncode, done.stdout

    return run


def test_list_gives_one_object_with_the_rule_model_as_default(lungnode):
    _, out = lungnode("list", "--json")
    (model,) = json.loads(out)["models"]
    assert {key: model[key] for key in ("name", "tasks", "verified", "default")} == {
        "name": "lungs-rule",
        "tasks": ["lungs"],
        "verified": True,
        "default": True,
    }


def test_show_gives_the_card(lungnode):
    _, out = lungnode("show", "lungs-rule", "--json")
    assert "not for diagnosis" in json.loads(out)["card"].lower()


def test_verify_ends_well_for_what_was_shipped(lungnode):
    assert lungnode("verify")[0] == 0


def test_verify_ends_with_5_where_a_file_is_not_as_shipped(lungnode, tmp_path):
    (tmp_path / "models" / "lungs-rule" / "stray.bin").write_bytes(b"?")
    assert lungnode("verify")[0] == 5


def test_verify_ends_with_5_where_an_ensemble_lacks_a_member(lungnode, tmp_path):
    shutil.copytree(models_folder() / "lungs-joint", tmp_path / "models" / "lungs-joint")
    assert lungnode("verify", "lungs-joint")[0] == 5


def test_list_shows_a_changed_model_instead_of_failing(lungnode, tmp_path):
    (tmp_path / "models" / "lungs-rule" / "stray.bin").write_bytes(b"?")
    code, out = lungnode("list", "--json")
    assert (code, json.loads(out)["models"][0]["verified"]) == (0, False)


def test_a_model_that_is_not_installed_ends_with_5(lungnode):
    assert lungnode("show", "nothing")[0] == 5
