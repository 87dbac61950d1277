"""A child process never outlives its block, and says why it did not start."""

import signal
import sys
from pathlib import Path

import pytest

from node.errors import WorldUnavailable
from node.harness.interrupts import stopped_in_order
from node.harness.ports import free_port, listens, wait_until_free
from node.harness.process import child

# leaves a grandchild behind that would live for a minute
PARENT = """
import subprocess, sys, time
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(sys.argv[1], "w").write(str(grandchild.pid))
time.sleep(60)
"""

STUBBORN = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(60)
"""


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0]
    except OSError:
        return False


def test_what_a_child_leaves_in_its_session_ends_with_the_block(tmp_path):
    told = tmp_path / "pid"
    command = [sys.executable, "-c", PARENT, str(told)]
    with child(command, log=tmp_path / "log", ready=lambda: told.exists() and told.read_text() != ""):
        grandchild = int(told.read_text())
        assert is_alive(grandchild)
    assert not is_alive(grandchild)


def test_a_child_that_ignores_the_order_to_stop_is_ended_by_force(tmp_path, monkeypatch):
    monkeypatch.setattr("node.harness.process.STOP_WITHIN_S", 0.5)
    ready = tmp_path / "ready"
    with child([sys.executable, "-c", STUBBORN, ready], log=tmp_path / "log", ready=ready.exists) as process:
        pass
    assert process.returncode == -signal.SIGKILL


def test_a_child_that_ends_at_once_shows_its_last_words(tmp_path):
    dies = [sys.executable, "-c", "raise SystemExit('no licence')"]
    with pytest.raises(WorldUnavailable, match="no licence"), child(dies, log=tmp_path / "log", ready=lambda: False):
        pytest.fail("it never became ready")


def test_a_child_that_is_never_ready_is_ended(tmp_path):
    sleeps = [sys.executable, "-c", "import time; time.sleep(60)"]
    with (
        pytest.raises(WorldUnavailable, match="not ready"),
        child(sleeps, log=tmp_path / "log", ready=lambda: False, ready_within_s=0.3),
    ):
        pytest.fail("it never became ready")


def test_an_order_to_stop_unwinds_like_ctrl_c():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"), stopped_in_order():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_port_is_free_until_somebody_listens(tmp_path):
    port = free_port()
    assert not listens(port)
    assert wait_until_free(port, limit_s=0.1)
    serve = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with child(serve, log=tmp_path / "log", ready=lambda: listens(port)):
        assert not wait_until_free(port, limit_s=0.2)
