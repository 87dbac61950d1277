"""A PostgreSQL that is not there: a code and advice for a person, patience under `serve`."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import structlog

from node.engine import database, jobs
from node.engine.database import check_database, database_ready
from node.errors import NotYetThere
from node.settings import Settings
from node.settings_snapshot import SUPERVISED
from node.store.layout import Layout
from node.watch.doctor.database import check_engine_database
from node.watch.doctor.finding import Grade
from node.watch.state import node_state

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def absent(tmp_path: Path) -> Settings:
    """Settings whose database is a socket in a folder where none is."""
    url = f"postgresql+psycopg://lungnode:s3cret@/postgres?host={tmp_path}"
    return Settings.model_validate({"data_dir": str(tmp_path), "engine": {"database_url": url}})


def test_a_worker_without_its_database_ends_with_75_and_advice_and_no_traceback(absent: Settings, tmp_path) -> None:
    config = tmp_path / "lungnode.toml"
    config.write_text(f'data_dir = "{tmp_path}"\n[engine]\ndatabase_url = "{absent.engine.database_url}"\n')
    environ = {name: value for name, value in os.environ.items() if name != SUPERVISED}
    done = subprocess.run(
        [sys.executable, "-m", "node", "work", "--config", str(config)],
        capture_output=True, text=True, check=False, env=environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert done.returncode == 75  # its unit starts again after it, and not after 5
    assert "CFG-DATABASE" in done.stderr
    assert "pg_isready" in done.stderr
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stderr


def test_under_serve_it_is_said_once_and_waited_for(absent: Settings, monkeypatch) -> None:
    answers = [NotYetThere("CFG-DATABASE", "not there")] * 3

    def check(_settings: Settings) -> None:
        if answers:
            raise answers.pop()

    monkeypatch.setenv(SUPERVISED, "1")
    monkeypatch.setattr(database, "check_database", check)
    monkeypatch.setattr(database, "_FIRST_WAIT_S", 0.001)
    with structlog.testing.capture_logs() as said:
        assert database_ready(absent, threading.Event())
    assert [line["code"] for line in said] == ["CFG-DATABASE"]
    assert answers == []


def test_a_worker_that_waits_is_told_to_stop(absent: Settings, monkeypatch) -> None:
    monkeypatch.setenv(SUPERVISED, "1")
    stopping = threading.Event()
    stopping.set()
    assert not database_ready(absent, stopping)


def test_jobs_doctor_and_page_say_that_it_is_not_there(absent: Settings) -> None:
    with pytest.raises(NotYetThere) as refused, jobs.opened(absent):
        pass
    assert refused.value.code == "CFG-DATABASE"
    finding = check_engine_database(absent)
    assert (finding.grade, "s3cret" in finding.text) == (Grade.FAIL, False)
    assert "pg_isready" in finding.todo
    Layout(absent.data_dir).create()
    assert any(text.startswith("CFG-DATABASE: the engine's database") for text in node_state(absent).trouble)


def test_sqlite_needs_no_server(tmp_path: Path) -> None:
    check_database(Settings(data_dir=tmp_path))
    assert check_engine_database(Settings(data_dir=tmp_path)).grade is Grade.OK
