"""Nothing undelivered is ever deleted; the rest goes after its time."""

import errno
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import structlog
from sqlalchemy.exc import OperationalError

from node.engine import node_worker
from node.engine.announced import expect, studies_told_of
from node.engine.case_file import CaseFile, SourceSeries, result_folder, write_case
from node.engine.files import write_json
from node.engine.retention import sweep
from node.engine.stopped import Stopped, mark_stopped
from node.engine.stores import Stores, opened_stores
from node.engine.worker import slot_lock
from node.settings import Settings
from node.store.durable import make_folder
from node.store.layout import Layout
from node.store.part10 import FileMeta, encode_meta

DAY_S = 86400.0
SAFE, OPEN, CANCELLED, SUPERSEDED, HELD = "safe", "open", "cancelled", "superseded", "held"


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    Layout(tmp_path).create()
    with opened_stores(Settings(data_dir=tmp_path)) as opened:
        yield opened


def put(data_dir: Path, stores: Stores, study: str, ends: tuple[str, ...]) -> None:
    """Put a study with one instance and a case for each end."""
    path = stores.layout.studies / study / f"{study}.1" / f"{study}.1.1.dcm"
    make_folder(path.parent)
    path.write_bytes(encode_meta(FileMeta("1.2", f"{study}.1.1", "1.2.840.10008.1.2.1", "A", "B")))
    stores.index.note(path)
    if not ends:
        stores.ledger.decide(study, "skipped", "no CT", series_uid=f"{study}.1")
    for number, end in enumerate(ends):
        workflow_id = f"{study.replace('.', '')}{number}"
        write_case(
            data_dir,
            CaseFile(workflow_id, study, "default", SourceSeries(f"{study}.1", ()), (), "l", None, "normal", None, ()),
        )
        folder = result_folder(data_dir, workflow_id)
        if end == SAFE:
            write_json(folder / "safe.json", {"at_s": time.time()})
        elif end != OPEN:
            mark_stopped(folder, Stopped(end), "test")


@pytest.mark.parametrize(
    ("ends", "removed"),
    [
        pytest.param((SAFE,), True, id="delivered"),
        pytest.param((OPEN,), False, id="not delivered"),
        pytest.param((SAFE, OPEN), False, id="one of two not delivered"),
        pytest.param((HELD,), False, id="held"),
        pytest.param((SUPERSEDED, SAFE), True, id="superseded"),
        pytest.param((CANCELLED,), True, id="cancelled by hand"),
        pytest.param((), True, id="not to be analysed"),
    ],
)
def test_a_study_goes_when_nothing_of_it_is_outstanding(
    tmp_path: Path, stores: Stores, ends: tuple[str, ...], removed: bool
) -> None:
    put(tmp_path, stores, "1.2.3", ends)
    gone = sweep(tmp_path, stores, older_than_s=3 * DAY_S, now_s=time.time() + 4 * DAY_S)
    assert gone == (("1.2.3",) if removed else ())
    assert (stores.layout.studies / "1.2.3").exists() is not removed
    assert bool(list((tmp_path / "results").iterdir())) is (bool(ends) and not removed)
    assert stores.index.studies() == (() if removed else ("1.2.3",))


@pytest.mark.parametrize("decided", [True, False], ids=["waited for", "not looked at yet"])
def test_what_was_never_analysed_stays_until_that_is_decided(tmp_path: Path, stores: Stores, decided: bool) -> None:
    put(tmp_path, stores, "1.2.3", ())
    if decided:
        write_json(tmp_path / "engine" / "waiting.json", [{"study_instance_uid": "1.2.3"}])
    else:
        stores.ledger.forget(before_s=time.time() + DAY_S, but=())
    assert sweep(tmp_path, stores, older_than_s=3 * DAY_S, now_s=time.time() + 9 * DAY_S) == ()


def test_what_was_kept_since_the_index_was_written_stays(tmp_path: Path, stores: Stores) -> None:
    put(tmp_path, stores, "1.2.3", (SAFE,))
    (old,) = stores.index.files("1.2.3")
    variant = stores.layout.variants / "1.2.3" / "1.2.3.1" / "1.2.3.1.1~1.dcm"
    fresh = (old.with_name("1.2.3.1.2.dcm"), variant)  # answered 0x0000, and not in the journal that was followed
    for path in fresh:
        make_folder(path.parent)
        path.write_bytes(old.read_bytes())
    assert sweep(tmp_path, stores, older_than_s=0.0, now_s=time.time() + DAY_S) == ("1.2.3",)
    assert not old.exists()
    assert all(path.exists() for path in fresh)


def test_of_several_workers_one_sweeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Layout(tmp_path).create()
    settings, stopping, swept = Settings(data_dir=tmp_path), threading.Event(), threading.Event()
    monkeypatch.setattr(node_worker, "_SWEEP_EVERY_S", 0.001)
    monkeypatch.setattr(node_worker, "sweep", lambda *_, **__: swept.set())
    lock = slot_lock(settings, "retention")
    assert lock is not None
    loop = threading.Thread(target=node_worker.retention_loop, args=(settings, stopping), daemon=True)
    loop.start()
    assert not swept.wait(0.3)
    lock.release()
    assert swept.wait(30)
    stopping.set()
    loop.join(30)


def test_a_sweep_opens_the_engines_database_once_and_where_nothing_goes_not_at_all(
    tmp_path: Path, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    class Engine:
        def list_workflows(self, *, workflow_id_prefix: str, **_: object) -> list[object]:
            seen.append(workflow_id_prefix)
            return []

        def destroy(self) -> None:
            seen.append("closed")

    def client(_settings: Settings) -> Engine:
        seen.append("opened")
        return Engine()

    monkeypatch.setattr(node_worker, "client", client)
    settings = Settings.model_validate(
        {"data_dir": str(tmp_path), "disk": {"retention_days": 1}, "completeness": {"maximum_wait_s": 100}}
    )
    node_worker._sweep(settings)
    assert seen == []
    for study in ("1.2.3", "1.2.4", "1.2.5"):
        put(tmp_path, stores, study, (SAFE,))
    later_s = time.time() + 2 * DAY_S
    monkeypatch.setattr("node.engine.node_worker.time.time", lambda: later_s)
    node_worker._sweep(settings)
    assert seen == ["opened", "1230", "1240", "1250", "closed"]


def test_nothing_goes_before_its_time(tmp_path: Path, stores: Stores) -> None:
    put(tmp_path, stores, "1.2.3", (SAFE,))
    assert sweep(tmp_path, stores, older_than_s=3 * DAY_S, now_s=time.time() + 2 * DAY_S) == ()


def test_only_the_study_that_is_done_with_goes(tmp_path: Path, stores: Stores) -> None:
    put(tmp_path, stores, "1.2.3", (SAFE,))
    put(tmp_path, stores, "1.2.4", (OPEN,))
    assert sweep(tmp_path, stores, older_than_s=0.0, now_s=time.time() + DAY_S) == ("1.2.3",)
    assert stores.index.studies() == ("1.2.4",)


def test_a_sweep_that_was_cut_short_is_finished_by_the_next(tmp_path: Path, stores: Stores) -> None:
    put(tmp_path, stores, "1.2.3", (SAFE,))
    (source,) = stores.index.files("1.2.3")
    stores.index.forget(source)
    shutil.rmtree(stores.layout.studies / "1.2.3")  # killed before the results were removed
    sweep(tmp_path, stores, older_than_s=0.0, now_s=time.time() + DAY_S)
    assert list((tmp_path / "results").iterdir()) == []


def test_the_decisions_about_a_study_go_with_it_and_those_about_one_that_is_gone_in_their_time(
    tmp_path: Path, stores: Stores
) -> None:
    put(tmp_path, stores, "1.2.3", (SAFE,))
    put(tmp_path, stores, "1.2.4", (OPEN,))
    for study in ("1.2.3", "1.2.4", "1.2.5"):  # nothing of the last is here
        stores.ledger.decide(study, "skipped", "no CT", series_uid=f"{study}.1")
    sweep(tmp_path, stores, older_than_s=3 * DAY_S, now_s=time.time() + 2 * DAY_S)
    assert [len(stores.ledger.decisions(study)) for study in ("1.2.3", "1.2.4", "1.2.5")] == [1, 1, 1]
    sweep(tmp_path, stores, older_than_s=3 * DAY_S, now_s=time.time() + 4 * DAY_S)
    assert [len(stores.ledger.decisions(study)) for study in ("1.2.3", "1.2.4", "1.2.5")] == [0, 1, 0]


def test_the_counts_of_a_study_that_never_came_are_forgotten_in_their_time(tmp_path: Path, stores: Stores) -> None:
    put(tmp_path, stores, "1.2.4", (OPEN,))
    for study in ("1.2.4", "1.2.5"):  # nothing of the last came
        expect(tmp_path, study, f"{study}.1", 3)
    sweep(tmp_path, stores, older_than_s=3 * DAY_S, now_s=time.time() + 2 * DAY_S)
    assert sorted(studies_told_of(tmp_path)) == ["1.2.4", "1.2.5"]
    sweep(tmp_path, stores, older_than_s=3 * DAY_S, now_s=time.time() + 4 * DAY_S)
    assert sorted(studies_told_of(tmp_path)) == ["1.2.4"]


def test_a_database_or_a_disk_that_is_lost_delays_the_sweep_and_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Layout(tmp_path).create()
    stopping = threading.Event()
    lost = OperationalError("SELECT", {}, Exception("gone")), psycopg.OperationalError("gone")
    disk = OSError(errno.ENOSPC, "No space left on device"), PermissionError(errno.EACCES, "Permission denied")
    answers = iter((*lost, *disk, None))

    def swept(*_: object, **__: object) -> tuple[str, ...]:
        answer = next(answers)
        if answer is not None:
            raise answer
        stopping.set()
        return ()

    monkeypatch.setattr(node_worker, "_SWEEP_EVERY_S", 0.001)
    monkeypatch.setattr(node_worker, "sweep", swept)
    with structlog.testing.capture_logs() as logged:
        node_worker.retention_loop(Settings(data_dir=tmp_path), stopping)
    assert stopping.is_set()
    assert {line["event"] for line in logged} == {"engine.retention_waits"}
    assert [line["code"] for line in logged] == ["CFG-DATABASE", "CFG-DATABASE", "SYS-DISK", "ENV-FILE"]
