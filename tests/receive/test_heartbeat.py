"""A receiver gives signs of life while it accepts connections, and none when it hangs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from node.store import heartbeat
from node.store.heartbeat import Heartbeat, heartbeat_file, is_silent
from node.store.layout import Layout

WITHIN_S = 30.0


def eventually(look) -> None:
    deadline_s = time.monotonic() + WITHIN_S
    while not look():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def test_a_receiver_beats_until_it_is_stopped(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\n"
        "from node.store import heartbeat\n"
        "heartbeat._EVERY_S = 0.0\n"
        "from node.receive.process import Disk, Receive, serve_forever\n"
        f"serve_forever(Receive(port=0), Disk(), Path({str(tmp_path)!r}))"
    )
    file = heartbeat_file(tmp_path, 0, tls=False)
    with subprocess.Popen([sys.executable, "-c", code]) as receiver:
        try:
            eventually(file.exists)
            first = file.stat().st_mtime
            eventually(lambda: file.stat().st_mtime > first)
            os.kill(receiver.pid, signal.SIGSTOP)
            time.sleep(0.2)
            last = file.stat().st_mtime
            time.sleep(1.5)  # three turns of its loop
            assert file.stat().st_mtime == last
        finally:
            receiver.kill()


def test_silence_is_told_from_life(tmp_path: Path) -> None:
    file = heartbeat_file(tmp_path, 0, tls=True)
    assert is_silent(file, time.time())
    Layout(tmp_path).create()
    Heartbeat(file).beat()
    assert not is_silent(file, time.time())
    assert is_silent(file, time.time() + heartbeat.SILENT_AFTER_S + 1.0)


def test_a_data_folder_that_is_away_is_not_made_anew(tmp_path: Path) -> None:
    Heartbeat(heartbeat_file(tmp_path / "data", 0, tls=False)).beat()
    assert list(tmp_path.iterdir()) == []


def test_a_beat_that_cannot_be_kept_does_not_end_the_loop(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    Heartbeat(tmp_path / "file" / "alive").beat()
