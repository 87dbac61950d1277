"""A data folder is copied while the node stands still, and a worker goes on with the copy at another place."""

import shutil
from types import SimpleNamespace

import pytest

from node.engine import job_state, jobs, node_worker
from node.engine.case_file import read_case_file, write_case
from node.engine.stopped import Stopped, mark_stopped
from node.engine.stores import opened_stores
from node.settings import Destination
from node.store.own import KeptResult


def states(settings) -> list[tuple[str, str, float]]:
    with jobs.opened(settings) as engine:
        return [(one.case.workflow_id, one.state, one.changed_s) for one in jobs.jobs(settings, engine)]


def test_the_copy_has_the_same_cases_and_goes_on_with_what_was_open(make_bench, out) -> None:
    bench, elsewhere = make_bench(), make_bench()
    done, worker = bench.new_case(), bench.start_worker()
    bench.submit(done)
    bench.eventually(lambda: bench.is_safe(done))
    bench.eventually(lambda: bench.status(f"{done}-here") == "SUCCESS")
    bench.kill(worker)
    open_ = bench.new_case()
    bench.submit(open_)
    before = states(bench.settings)
    delivered = {file: file.stat().st_mtime_ns for file in out.rglob("*.dcm")}
    shutil.copytree(bench.data_dir, elsewhere.data_dir, dirs_exist_ok=True)
    bench.data_dir.rename(bench.data_dir.with_name("away"))
    assert states(elsewhere.settings) == before
    assert sorted(state for _, state, _ in before) == ["done", "queued"]
    elsewhere.start_worker()
    elsewhere.submit(done)
    elsewhere.eventually(lambda: elsewhere.is_safe(open_))
    assert elsewhere.steps(done) == ["analyse", "encode"]
    assert {file: file.stat().st_mtime_ns for file in delivered} == delivered
    assert not bench.data_dir.exists()


def test_where_the_index_was_lost_our_own_objects_are_known_again(bench) -> None:
    bench.kill(bench.start_worker())
    with opened_stores(bench.settings) as stores:
        made = KeptResult("1.9", "1.8", "1.1", "1.2", "w", "SEG", stores.layout.results / "w" / "seg.dcm")
        stores.own.remember(made)
    for file in bench.data_dir.glob("index.sqlite*"):
        file.unlink()
    crew, heartbeat = SimpleNamespace(warm=lambda: None), SimpleNamespace(beat=lambda: None)
    with node_worker._intake(bench.settings, crew, heartbeat), opened_stores(bench.settings) as new:
        assert "1.9" in new.own


def delivered(bench) -> str:
    """Deliver a case, end the worker, and return the case's id."""
    case, worker = bench.new_case(), bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: bench.is_safe(case))
    bench.eventually(lambda: bench.status(f"{case}-here") == "SUCCESS")
    bench.kill(worker)
    return case


def test_a_case_that_retention_removed_is_forgotten_by_the_engine_and_begins_when_it_comes_again(bench) -> None:
    case = delivered(bench)
    kept = read_case_file(bench.data_dir, case)
    assert kept is not None
    settings = bench.settings.model_copy(update={"disk": bench.settings.disk.model_copy(update={"retention_days": 0})})
    node_worker._sweep(settings)
    assert not bench.folder(case).exists()
    assert [bench.status(one) for one in (case, f"{case}-here")] == ["ABSENT", "ABSENT"]
    write_case(bench.data_dir, kept)
    bench.submit(case)
    bench.start_worker()
    bench.eventually(lambda: bench.is_safe(case))


@pytest.mark.parametrize("lost", ["results", "the last word"])
def test_files_that_are_older_than_the_engines_database_are_made_and_delivered_anew(bench, lost: str) -> None:
    case = delivered(bench)
    folder = bench.folder(case)
    (folder / "safe.json").unlink()
    if lost == "results":
        shutil.rmtree(folder / "delivery")
        (folder / "objects.json").unlink()
    bench.start_worker()
    bench.eventually(lambda: bench.is_safe(case))
    assert bench.steps(case).count("encode") == (2 if lost == "results" else 1)


def test_a_case_that_ended_and_left_nothing_is_said_to_be_lost_and_can_be_retried(bench) -> None:
    case = delivered(bench)
    bench.start_worker()
    for name in ("safe.json", "objects.json"):
        (bench.folder(case) / name).unlink()
    shutil.rmtree(bench.folder(case) / "delivery")
    with jobs.opened(bench.settings) as engine:
        found = jobs.job(bench.settings, engine, case)
        assert found.state == job_state.LOST
        assert jobs.retry(bench.settings, engine, found) == "queued again"
    bench.eventually(lambda: bench.is_safe(case))


def test_where_the_engines_database_was_lost_what_was_stopped_or_is_done_stays_so(bench) -> None:
    done, stopped = delivered(bench), {bench.new_case(): word for word in Stopped}
    for case, word in stopped.items():
        mark_stopped(bench.folder(case), word, "test")
    for file in bench.data_dir.glob("engine.sqlite*"):
        file.unlink()
    bench.start_worker()
    other = bench.new_case()
    bench.submit(other)
    bench.eventually(lambda: bench.is_safe(other))
    assert {bench.status(one) for one in (done, *stopped)} == {"ABSENT"}
    assert {case: state for case, state, _ in states(bench.settings)} == {done: "done", other: "done", **stopped}
    assert [bench.steps(one) for one in stopped] == [[]] * len(stopped)


def test_without_a_destination_nothing_is_safe_or_removed_and_the_first_one_gets_what_was_kept(make_bench, out) -> None:
    bench = make_bench(destinations=[])
    case, worker = bench.new_case(), bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: bench.status(case) == "SUCCESS")
    assert [(one, state) for one, state, _ in states(bench.settings)] == [(case, job_state.NOWHERE)]
    settings = bench.settings.model_copy(update={"disk": bench.settings.disk.model_copy(update={"retention_days": 0})})
    node_worker._sweep(settings)
    assert (bench.is_safe(case), bench.folder(case).exists()) == (False, True)
    bench.kill(worker)
    here = Destination(name="here", kind="folder", path=out)
    bench.settings = bench.settings.model_copy(update={"destinations": (here,)})
    bench.start_worker()
    bench.eventually(lambda: bench.is_safe(case))
    assert len(list(out.rglob("*.dcm"))) == 2
    assert bench.steps(case).count("encode") == 1
