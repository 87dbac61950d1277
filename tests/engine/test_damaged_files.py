"""Files of the node's own that a bad disk or a cut copy damaged: each is named, and none stops the others."""

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
import structlog
from dbos import DBOS
from sqlalchemy.exc import DatabaseError

from node.engine import node_worker
from node.engine.case_file import CaseFile, SourceSeries, write_case
from node.engine.database import database_ready, engine_file
from node.engine.delivery_file import Delivery, write_delivery
from node.engine.jobs import opened
from node.engine.outbox import publish
from node.engine.runtime import launch
from node.engine.stores import opened_stores
from node.errors import NotYetThere
from node.settings import Settings
from node.settings_snapshot import SUPERVISED
from node.store.database import all_set_aside, damage_of, tells_damage
from node.store.durable import make_folder
from node.store.layout import Layout
from node.store.part10 import FileMeta, encode_meta
from node.watch.doctor.database import check_engine_database
from node.watch.doctor.finding import Grade
from node.watch.state import node_state

NO_CREW = SimpleNamespace(warm=lambda: None)


def with_an_index(data_dir: Path) -> Path:
    """Make a spool with one instance, and an index of some pages; return the index."""
    Layout(data_dir).create()
    with opened_stores(Settings(data_dir=data_dir)) as stores:
        path = stores.layout.studies / "1.2" / "1.2.3" / "1.2.3.1.dcm"
        make_folder(path.parent)
        path.write_bytes(encode_meta(FileMeta("1.2", "1.2.3.1", "1.2.840.10008.1.2.1", "A", "B")))
        for number in range(500):
            stores.ledger.decide(f"1.2.{number}", "skipped", "no CT")
    with closing(sqlite3.connect(stores.layout.index)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return stores.layout.index


def overwrite(path: Path, start: int, n_bytes: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * n_bytes)


def no_header(path: Path) -> None:
    overwrite(path, 0, 4096)


def a_bad_middle(path: Path) -> None:
    overwrite(path, 8192, 20000)


def half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("damage", [no_header, a_bad_middle, half])
def test_a_damaged_index_is_moved_aside_and_made_anew_from_the_files(tmp_path: Path, damage) -> None:
    index = with_an_index(tmp_path)
    damage(index)
    stopping = threading.Event()
    studies: list[tuple[str, ...]] = []

    def tick(intake: object) -> None:
        studies.append(intake.index.studies())
        stopping.set()

    with pytest.MonkeyPatch.context() as patched, structlog.testing.capture_logs() as said:
        patched.setattr(node_worker, "client", lambda _settings: SimpleNamespace(destroy=lambda: None))
        patched.setattr("node.engine.intake.Intake.tick", tick)
        patched.setattr(node_worker, "Pace", lambda *_: SimpleNamespace(rest=lambda: None))
        node_worker.intake_loop(Settings(data_dir=tmp_path), NO_CREW, stopping)
    assert studies == [("1.2",)]
    assert [(line["event"], line["code"]) for line in said] == [("index.damaged", "IDX-DAMAGED")]
    (aside,) = all_set_aside(index)
    assert aside.name in said[0]["next_step"]
    assert damage_of(index) is None


def test_an_index_that_is_damaged_while_intake_works_is_made_anew_and_a_sound_one_is_left(
    tmp_path: Path, monkeypatch
) -> None:
    index, begun = with_an_index(tmp_path), []
    found = sqlite3.DatabaseError("malformed")
    found.sqlite_errorcode = sqlite3.SQLITE_CORRUPT

    def take_in(*_: object) -> None:
        begun.append(damage_of(index))
        if len(begun) == 1:
            no_header(index)
        raise DatabaseError("select", {}, found)  # the second is the engine's database's

    monkeypatch.setattr(node_worker, "_take_in", take_in)
    with pytest.raises(DatabaseError) as raised:
        node_worker.intake_loop(Settings(data_dir=tmp_path), NO_CREW, threading.Event())
    assert tells_damage(raised.value)
    assert begun == [None, None]
    assert (len(all_set_aside(index)), index.exists()) == (1, False)


def test_what_is_sound_empty_or_absent_is_not_damaged(tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    found = (with_an_index(tmp_path), tmp_path / "empty.sqlite", tmp_path / "absent.sqlite")
    assert [damage_of(path) for path in found] == [None, None, None]
    assert not found[2].exists()


def test_a_worker_starts_and_works_beside_damaged_cases_and_retention_spares_what_it_cannot_judge(bench) -> None:
    cut, unsure = bench.new_case(), bench.new_case()
    half(bench.folder(cut) / "case.json")
    publish(bench.folder(unsure), ())
    write_delivery(bench.folder(unsure), Delivery("here"))
    half(bench.folder(unsure) / "delivery" / "here.json")
    engine_knows_as_ended(bench, unsure)
    bench.start_worker()
    sound = bench.new_case()
    bench.submit(sound)
    bench.eventually(lambda: bench.is_safe(sound))
    said = [line for line in bench.log() if line["event"] == "engine.case_damaged"]
    assert {(line["workflow_id"], line["code"]) for line in said} == {(unsure, "ENG-FILE")}
    settings = bench.settings.model_copy(update={"disk": bench.settings.disk.model_copy(update={"retention_days": 0})})
    node_worker._sweep(settings)
    assert bench.is_safe(sound)
    (bench.folder(cut) / "case.json").unlink()
    (bench.folder(unsure) / "safe.json").write_text("{")
    node_worker._sweep(settings)
    assert bench.folder(unsure).exists()


def engine_knows_as_ended(bench, case: str) -> None:
    """Let the engine hold a case for analysed."""
    launch(bench.settings)
    DBOS.destroy(destroy_registry=True)
    bench.submit(case)
    with closing(sqlite3.connect(bench.data_dir / "engine.sqlite")) as connection:
        connection.execute("UPDATE workflow_status SET status = 'SUCCESS', queue_name = NULL")
        connection.commit()


@pytest.mark.parametrize("damage", [no_header, a_bad_middle, half])
def test_a_damaged_database_of_the_engine_is_named_with_its_next_step(tmp_path: Path, monkeypatch, damage) -> None:
    settings = Settings(data_dir=tmp_path)
    launch(settings)
    DBOS.destroy(destroy_registry=True)
    with closing(sqlite3.connect(engine_file(settings))) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert check_engine_database(settings).grade is Grade.OK
    damage(engine_file(settings))
    finding = check_engine_database(settings)
    assert (finding.grade, finding.text.split(":")[0]) == (Grade.FAIL, "ENG-DAMAGED")
    assert "move engine.sqlite, engine.sqlite-wal and engine.sqlite-shm away" in finding.todo
    monkeypatch.delenv(SUPERVISED, raising=False)
    with pytest.raises(NotYetThere) as refused:
        database_ready(settings, threading.Event())
    assert (refused.value.code, refused.value.exit_code) == ("ENG-DAMAGED", 75)


def test_who_asks_for_jobs_is_told_of_the_damaged_database(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    launch(settings)
    DBOS.destroy(destroy_registry=True)
    no_header(engine_file(settings))
    with pytest.raises(NotYetThere, match="is damaged") as refused, opened(settings) as engine:
        engine.list_workflows()
    assert refused.value.code == "ENG-DAMAGED"
    Layout(tmp_path).create()
    (tmp_path / "results" / "a").mkdir()
    write_case(tmp_path, CaseFile("a", "1.2", "r", SourceSeries("1.3", ()), (), "l", None, "normal", None, ()))
    assert any(
        text.startswith("ENG-DAMAGED: ") and "is damaged (" in text and "next: see the disk" in text
        for text in node_state(settings).trouble
    )


def test_under_serve_a_damaged_database_is_waited_for_until_it_is_moved_away(tmp_path: Path, monkeypatch) -> None:
    settings = Settings(data_dir=tmp_path)
    engine_file(settings).write_bytes(b"\xa5" * 4096)
    monkeypatch.setenv(SUPERVISED, "1")
    stopping = SimpleNamespace(wait=lambda _s: engine_file(settings).unlink() or False)
    with structlog.testing.capture_logs() as said:
        assert database_ready(settings, stopping)
    assert [line["code"] for line in said] == ["ENG-DAMAGED"]


def test_the_doctor_names_a_damaged_index(tmp_path: Path) -> None:
    index = with_an_index(tmp_path)
    no_header(index)
    finding = check_engine_database(Settings(data_dir=tmp_path))
    assert (finding.grade, str(index) in finding.text) == (Grade.WARN, True)
