"""A synthetic study and what the line makes of it, once for all tests of the room."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from node.phantom.study import StudyPlan, write_study


@dataclass(frozen=True)
class Analysed:
    """A study on disk and its results."""

    images: Path
    result: dict
    seg: bytes
    report: bytes


@pytest.fixture(scope="session")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Analysed:
    folder = tmp_path_factory.mktemp("analysed")
    write_study(folder / "study", StudyPlan(n_slices=40, size=128))
    out = folder / "out"
    command = [sys.executable, "-m", "node", "analyse", folder / "study" / "CT", "--out", out, "--json"]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    result = json.loads((out / "result.json").read_text())
    files = {entry["kind"]: (out / entry["path"]).read_bytes() for entry in result["objects"]}
    return Analysed(folder / "study" / "CT", result, files["SEG"], files["SR"])
