"""A data folder is copied while the node stands still, and a worker goes on with the copy at another place."""

import shutil
from types import SimpleNamespace

from node.engine import jobs, node_worker
from node.engine.stores import opened_stores
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
    with node_worker._intake(bench.settings, SimpleNamespace(warm=lambda: None)), opened_stores(bench.settings) as new:
        assert "1.9" in new.own
