"""Child processes: warm, ended where they must be, and never outliving their parent."""

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.engine.crew import ChildEnded, Crew, NoProcess, StepCancelled, StepOverTime
from node.errors import OurMistake

MODULE = "heavy_of_test_crew"
SOURCE = """
import os, signal, time
from node.errors import OurMistake
def warm(): pass
def whoami(): return os.getpid()
def echo(value): print('noise on standard output'); return value
def sleep(seconds): time.sleep(seconds)
def crash(number): os.kill(os.getpid(), number)
def mistake(): raise OurMistake('TEST-CODE', 'as ordered', sop_uid='1.2')
def foreign(): raise ValueError('Marker^Patient in a library message')
"""


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    (tmp_path / f"{MODULE}.py").write_text(SOURCE)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).resolve().parents[2]}")
    made = Crew(MODULE, 1)
    yield made
    made.close()


def call(crew: Crew, job: str, *, limit_s: float = 60.0, cancelled=lambda: False, **arguments: object) -> object:
    return crew.call(job, arguments, limit_s=limit_s, cancelled=cancelled)


def test_a_child_stays_warm_between_calls(crew: Crew) -> None:
    assert call(crew, "whoami") == call(crew, "whoami") != os.getpid()


def test_large_values_and_noise_on_standard_output_do_no_harm(crew: Crew) -> None:
    value = "x" * 300_000
    assert call(crew, "echo", value=value) == value


def test_a_coded_error_comes_through_as_it_was(crew: Crew) -> None:
    with pytest.raises(OurMistake) as raised:
        call(crew, "mistake")
    assert (raised.value.code, raised.value.context) == ("TEST-CODE", {"sop_uid": "1.2"})


def test_a_foreign_error_comes_without_its_message(crew: Crew, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OurMistake) as raised:
        call(crew, "foreign")
    assert (raised.value.code, raised.value.message) == ("INTERNAL", "ValueError")
    assert "Marker" not in capfd.readouterr().err


def test_a_step_that_takes_too_long_is_ended_and_the_next_one_runs(crew: Crew) -> None:
    with pytest.raises(StepOverTime):
        call(crew, "sleep", seconds=60, limit_s=0.3)
    assert call(crew, "echo", value=1) == 1


def test_a_step_that_is_cancelled_is_ended(crew: Crew) -> None:
    began_s = time.monotonic()
    with pytest.raises(StepCancelled):
        call(crew, "sleep", seconds=60, cancelled=lambda: True)
    assert time.monotonic() - began_s < 20


@pytest.mark.parametrize("number", [9, 11], ids=["out of memory", "segmentation fault"])
def test_a_step_that_takes_its_process_down_costs_that_process_alone(crew: Crew, number: int) -> None:
    with pytest.raises(ChildEnded) as raised:
        call(crew, "crash", number=number)
    assert raised.value.by_signal == number
    assert call(crew, "echo", value=1) == 1


def test_warming_starts_one_child_and_no_more(crew: Crew) -> None:
    crew.warm()
    crew.warm()
    assert call(crew, "echo", value=1) == 1


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EAGAIN, NoProcess),
        (errno.ENOMEM, NoProcess),
        (errno.EMFILE, NoProcess),
        (errno.ENOENT, FileNotFoundError),  # which waiting does not cure
    ],
)
def test_a_child_that_cannot_be_started_takes_no_place_away(
    crew: Crew, monkeypatch: pytest.MonkeyPatch, number: int, expected: type[Exception]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr("subprocess.Popen", fail)
        with pytest.raises(expected):
            call(crew, "echo", value=1)
        assert crew._idle.qsize() == 1
    assert call(crew, "echo", value=1) == 1


def test_a_child_ends_with_its_parent_even_when_that_is_killed(crew: Crew, tmp_path: Path) -> None:
    code = (
        "from node.engine.crew import Crew;"
        f"crew = Crew('{MODULE}', 1); no = lambda: False;"
        "print(crew.call('whoami', {}, limit_s=60, cancelled=no), flush=True);"
        "crew.call('sleep', {'seconds': 600}, limit_s=700, cancelled=no)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline_s = time.monotonic() + 30
    while is_running(child) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert not is_running(child)


@pytest.mark.parametrize("at", ["answers", "requests"])
def test_a_child_whose_parent_is_gone_ends_with_one_line(tmp_path: Path, at: str) -> None:
    """The pipe that breaks first is the one for answers, where the step ends just then."""
    (tmp_path / f"{MODULE}.py").write_text(SOURCE)
    paths = f"{tmp_path}:{Path(__file__).resolve().parents[2]}"
    child = subprocess.Popen(
        [sys.executable, "-m", "node.engine.child", MODULE],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": paths},
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stderr is not None
    if at == "answers":
        child.stdout.close()
        child.stdin.write(json.dumps({"job": "whoami", "arguments": {}}).encode() + b"\n")
        child.stdin.flush()
    else:
        child.stdin.close()
    (line,) = child.stderr.read().decode().splitlines()
    assert json.loads(line) == {"event": "engine.child_left", "level": "info", "pid": child.pid}
    assert child.wait(30) == 0
    for pipe in (child.stdin, child.stdout, child.stderr):
        pipe.close()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False
