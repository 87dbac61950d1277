"""At run time the node needs no network: the whole demonstration runs where only loopback exists."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from node.phantom.study import StudyPlan, write_study

LOOPBACK_ONLY = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
REACH_OUT = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"  # TEST-NET-1, RFC 5737


def test_the_fence_holds() -> None:
    tried = subprocess.run(
        [*LOOPBACK_ONLY, sys.executable, "-c", REACH_OUT], capture_output=True, text=True, check=False
    )
    assert tried.returncode == 1
    assert "Network is unreachable" in tried.stderr


@pytest.mark.orthanc
def test_a_study_comes_through_where_only_loopback_exists(tmp_path: Path) -> None:
    write_study(tmp_path / "study", StudyPlan(n_slices=64, size=128))
    demo = [
        sys.executable,
        "-m",
        "node",
        "demo",
        "--input",
        str(tmp_path / "study" / "CT"),
        "--out",
        str(tmp_path / "out"),
    ]
    answer = subprocess.run(
        [*LOOPBACK_ONLY, *demo, "--no-keep", "--json"], capture_output=True, text=True, timeout=280, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["outcome"] == "processed"
