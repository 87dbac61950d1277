"""The demonstration from outside: a real Orthanc, a real node, and nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from node.cli.demo import _show
from node.errors import Misconfigured
from node.harness import orthanc
from node.harness.demonstration import Shown
from node.harness.readback import Found, Row
from node.phantom.study import StudyPlan, write_study

pytestmark = pytest.mark.orthanc
DEMO = [sys.executable, "-m", "node", "demo"]


@pytest.fixture
def marked(tmp_path: Path) -> dict[str, str]:
    """An environment whose temporary folder is ours: every process of the demonstration can be told by it."""
    folder = tmp_path / "marked"
    folder.mkdir()
    return os.environ | {"TMPDIR": str(folder)}


def left_behind(environment: dict[str, str]) -> list[str]:
    """Return the command lines of living processes that were started with that temporary folder."""
    wanted = f"TMPDIR={environment['TMPDIR']}".encode()
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and wanted in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it ended while we looked, or is not ours to read
    return found


def test_a_study_goes_in_as_from_a_pacs_and_comes_back_measured_and_drawn(tmp_path, marked):
    write_study(tmp_path / "study", StudyPlan(n_slices=64, size=128))
    command = [*DEMO, "--input", tmp_path / "study" / "CT", "--out", tmp_path / "out", "--no-keep", "--json"]
    answer = subprocess.run(command, capture_output=True, text=True, env=marked, timeout=280, check=False)
    assert answer.returncode == 0, answer.stderr
    shown = json.loads(answer.stdout)
    truth = json.loads((tmp_path / "study" / "truth.json").read_text())
    volumes = {row["where"]: row["value"] for row in shown["measurements"] if row["what"] == "Volume"}
    assert shown["outcome"] == "processed"
    for side in ("right", "left"):
        true_ml = truth["lungs"][side]["volume_ml_without_nodules"]
        assert volumes[f"{side.capitalize()} lung"] == pytest.approx(true_ml, rel=0.03)
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"SEG.dcm", "SR.dcm", "overlay.jpg"}
    assert left_behind(marked) == []
    assert list(Path(marked["TMPDIR"]).iterdir()) == []


def test_a_refused_study_shows_why_and_ends_with_three(tmp_path, marked):
    write_study(tmp_path / "study", StudyPlan(n_slices=12, size=64))
    command = [*DEMO, "--input", tmp_path / "study" / "CT", "--out", tmp_path / "out", "--no-keep", "--json"]
    answer = subprocess.run(command, capture_output=True, text=True, env=marked, timeout=280, check=False)
    assert answer.returncode == 3, answer.stderr
    shown = json.loads(answer.stdout)
    assert (shown["outcome"], shown["measurements"], shown["picture"]) == ("refused", [], None)
    assert any("GEO-FEW" in comment for comment in shown["comments"])
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["NOTICE.dcm"]


def test_nothing_to_analyse_is_said_at_once(tmp_path, marked):
    (tmp_path / "empty").mkdir()
    command = [*DEMO, "--input", tmp_path / "empty", "--no-keep", "--json"]
    answer = subprocess.run(command, capture_output=True, text=True, env=marked, timeout=120, check=False)
    assert answer.returncode == 3
    assert json.loads(answer.stdout)["error"]["code"] == "DEMO-INPUT"


@contextmanager
def running_demo(tmp_path: Path, environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """A demonstration whose servers are up."""
    write_study(tmp_path / "study", StudyPlan(n_slices=12, size=64))
    # A shell without job control starts what runs behind it with SIGINT ignored, and its children inherit that.
    at_a_terminal = ["/usr/bin/env", "--default-signal=INT"]
    command = [*at_a_terminal, *DEMO, "--input", tmp_path / "study" / "CT", "--out", tmp_path / "out", "--keep"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True) as demo:
        end = time.monotonic() + 120
        while sum("Orthanc" in line or "serve" in line for line in left_behind(environment)) < 2:
            assert time.monotonic() < end, "the demonstration did not start its servers"
            assert demo.poll() is None, demo.stderr.read() if demo.stderr else ""
            time.sleep(0.1)
        yield demo


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_being_stopped_leaves_no_process_and_no_file(tmp_path, marked, number):
    with running_demo(tmp_path, marked) as demo:
        demo.send_signal(number)
        status = demo.wait(90)
    assert status in (0, 130)
    assert left_behind(marked) == []
    assert list(Path(marked["TMPDIR"]).iterdir()) == []


def test_being_killed_leaves_no_process(tmp_path, marked):
    with running_demo(tmp_path, marked) as demo:
        demo.kill()
        demo.wait(10)
        end = time.monotonic() + 60
        while left := left_behind(marked):
            assert time.monotonic() < end, left
            time.sleep(0.2)


def test_a_missing_orthanc_is_a_matter_of_the_environment(monkeypatch):
    monkeypatch.setattr(orthanc, "PROGRAM", "Orthanc-that-is-not-there")
    with pytest.raises(Misconfigured, match="apt-get install"):
        orthanc.find_orthanc()


def test_what_the_demonstration_shows_can_be_piped(capsys: pytest.CaptureFixture[str]) -> None:
    rows = (Row("Volume", "Right lung", 2410.3, "ml"),)
    _show(Shown("1.2", Found(), rows, ("a comment",), "http://here"), Path("overlay.jpg"), as_json=False)
    out, err = capsys.readouterr()
    assert [word for word in ("2410.3 ml", "a comment", "overlay.jpg", "http://here") if word not in out] == []
    assert err == ""


def test_every_further_finding_has_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    foci = [Row("SUVbw, maximum", f"fdg-focus-{n}", 5.0 + n, "g/ml{SUVbw}") for n in range(1, 10)]
    rows = (Row("Volume", "Right lung", 2410.3, "ml"), *foci, Row("Volume", "fdg-focus-1", 62.9, "ml"))
    _show(Shown("1.2", Found(), rows, (), None), None, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert "  fdg-focus-1: SUVbw, maximum 6.0 g/ml, Volume 62.9 ml" in lines
    assert "  fdg-focus-9: SUVbw, maximum 14.0 g/ml" in lines
    assert max(len(line) for line in lines) <= 80
