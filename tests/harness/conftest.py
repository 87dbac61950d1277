"""A synthetic study and what the line makes of it, once for all tests of the room; an Orthanc and the viewer."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from node.harness.orthanc import OrthancSite, running_orthanc
from node.harness.ports import free_port
from node.harness.viewer import find_viewer
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


@pytest.fixture
def site(tmp_path: Path) -> Iterator[OrthancSite]:
    overrides = {"StableAge": 1, "LungNode": {"Automatic": False}}
    with running_orthanc(OrthancSite(tmp_path / "orthanc"), free_port(), overrides=overrides) as site:
        yield site


@pytest.fixture
def viewer_folder() -> Path:
    folder = find_viewer()
    if folder is None:
        pytest.fail("the viewer is not installed: make viewer")
    return folder
