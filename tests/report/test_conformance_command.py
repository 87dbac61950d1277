"""`lungnode conformance` prints the statement of the settings that it is given."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from node.cli.conformance import app


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    path = tmp_path / "lungnode.toml"
    path.write_text('[objects]\nmanufacturer = "Hospital of Somewhere"\n')
    return path


def test_it_prints_markdown(settings_file: Path) -> None:
    done = CliRunner().invoke(app, ["--config", str(settings_file)])
    assert done.exit_code == 0
    assert done.stdout.startswith("# DICOM conformance statement")
    assert "| Hospital of Somewhere |" in done.stdout


def test_it_prints_one_json_object(settings_file: Path) -> None:
    done = CliRunner().invoke(app, ["--config", str(settings_file), "--json"])
    assert "Hospital of Somewhere" in json.loads(done.stdout)["statement"]
