"""A disk that takes nothing more: one coded line and a wait, no crash and no traceback."""

import errno
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, cast

import pytest
import structlog
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from node.engine import node_worker
from node.engine.crew import Crew
from node.engine.full_disk import code_of, is_full
from node.errors import NotYetThere
from node.settings import Settings
from node.store.layout import Layout
from tests.engine.conftest import eventually

NO_CREW = cast("Crew", None)


def sqlite_full(path: Path) -> SQLAlchemyError:
    """What SQLite says when its file may not grow, as SQLAlchemy passes it on."""
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            connection.execute(text("CREATE TABLE t (x)"))
            connection.execute(text("PRAGMA max_page_count = 3"))
            with pytest.raises(SQLAlchemyError) as caught:
                connection.execute(text("INSERT INTO t VALUES (zeroblob(100000))"))
        return caught.value
    finally:
        engine.dispose()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_what_the_system_says_of_a_full_disk_is_known(number: int) -> None:
    assert code_of(OSError(number, "")) == "SYS-DISK"


def test_what_sqlite_says_of_a_full_disk_is_known(tmp_path: Path) -> None:
    assert code_of(sqlite_full(tmp_path / "x.sqlite")) == "SYS-DISK"


@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, ""), sqlite3.OperationalError("no such table")])
def test_other_errors_are_not_taken_for_a_full_disk(error: Exception) -> None:
    assert not is_full(error)


def test_intake_waits_for_room_and_is_begun_again(tmp_path: Path, monkeypatch) -> None:
    stopping = threading.Event()
    answers: list[Any] = [OSError(errno.ENOSPC, "No space left on device"), sqlite_full(tmp_path / "x.sqlite")]

    def take_in(*_: object) -> None:
        if answers:
            raise answers.pop()
        stopping.set()

    monkeypatch.setattr(node_worker, "_FULL_WAIT_S", 0.001)
    monkeypatch.setattr(node_worker, "_take_in", take_in)
    with structlog.testing.capture_logs() as said:
        node_worker.intake_loop(Settings(data_dir=tmp_path), NO_CREW, stopping)
    assert [(line["event"], line["code"]) for line in said] == [("engine.intake_waits", "SYS-DISK")] * 2


def test_a_fault_that_is_not_the_disks_still_ends_intake(tmp_path: Path, monkeypatch) -> None:
    def take_in(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(node_worker, "_take_in", take_in)
    with pytest.raises(PermissionError):
        node_worker.intake_loop(Settings(data_dir=tmp_path), NO_CREW, threading.Event())


def test_a_start_without_room_sweeps_and_ends_with_75_and_a_code(tmp_path: Path, monkeypatch) -> None:
    swept: list[object] = []
    full = sqlite_full(tmp_path / "x.sqlite")

    def start(_settings: Settings) -> None:
        raise full

    monkeypatch.setattr(node_worker, "_started", start)
    monkeypatch.setattr(node_worker, "_sweep", swept.append)
    monkeypatch.setattr(node_worker, "stop_on_signals", lambda _stopping: None)
    settings = Settings(data_dir=tmp_path)
    with pytest.raises(NotYetThere) as refused:
        node_worker.run_worker(settings)
    assert (refused.value.code, refused.value.exit_code, swept) == ("SYS-DISK", 75, [settings])


@pytest.mark.parametrize("other", [False, True], ids=["nothing", "another one"])
def test_a_worker_ends_where_its_data_folder_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: bool
) -> None:
    monkeypatch.setattr(node_worker, "_LOOK_EVERY_S", 0.001)
    Layout(tmp_path / "data").create()
    settings = Settings(data_dir=tmp_path / "data")
    loop = threading.Thread(target=node_worker.data_loop, args=(settings, threading.Event()))
    loop.start()
    assert loop.is_alive()
    (tmp_path / "data").rename(tmp_path / "away")
    if other:
        Layout(tmp_path / "data").create()
    loop.join(30.0)
    assert not loop.is_alive()


def test_a_worker_of_a_unit_waits_for_its_data_folder_before_it_ends_and_makes_none(tmp_path: Path) -> None:
    data_dir, away, log = tmp_path / "data", tmp_path / "away", tmp_path / "log"
    (tmp_path / "lungnode.toml").write_text(f'data_dir = "{data_dir}"\n[compute]\nlungs = "lungs-rule"\n')
    command = [sys.executable, "-m", "node", "work", "--config", str(tmp_path / "lungnode.toml")]
    with log.open("wb") as written, subprocess.Popen(command, stderr=written) as worker:
        try:
            begun = [data_dir / "spool" / "alive" / "intake", data_dir / "engine" / "slots" / "retention.lock"]
            eventually(lambda: all(file.exists() for file in begun))
            data_dir.rename(away)
            eventually(lambda: "engine.loop_ended" in log.read_text())
            time.sleep(1.0)
            assert (worker.poll(), data_dir.exists()) == (None, False)
            away.rename(data_dir)
            assert worker.wait(60.0) == 4  # a unit starts it again
        finally:
            worker.kill()
