"""`kill -9` of the worker in each stage, then a restart: nothing is lost, nothing is there twice."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest


def delivered(out: Path) -> list[str]:
    return sorted(p.read_bytes().decode() for p in out.rglob("*.dcm"))


def test_a_case_goes_through_all_steps_once(bench, out: Path) -> None:
    case = bench.new_case()
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: bench.is_safe(case))
    assert bench.steps(case) == ["analyse", "encode"]
    assert len(delivered(out)) == 2


def rename_steps(bench, former: str, name: str) -> None:
    with closing(sqlite3.connect(bench.data_dir / "engine.sqlite", timeout=30.0)) as database, database:
        database.execute(f"ALTER TABLE {former} RENAME TO {name}")


def test_a_worker_whose_database_did_not_keep_a_step_is_followed_by_one_that_finishes(bench, out: Path) -> None:
    case = bench.new_case(analyse="wait")
    first = bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: bench.steps(case) == ["analyse"])
    rename_steps(bench, "operation_outputs", "full")  # as a full disk does: it cannot be written
    (bench.folder(case) / "analyse.go").touch()
    bench.eventually(lambda: first.poll() is not None)
    rename_steps(bench, "full", "operation_outputs")
    bench.start_worker()
    bench.eventually(lambda: bench.is_safe(case))


@pytest.mark.parametrize("stage", ["analyse", "encode", "encoded"])
def test_a_worker_killed_in_a_stage_is_followed_by_one_that_finishes(bench, out: Path, stage: str) -> None:
    case = bench.new_case(**{stage: "wait"})
    first = bench.start_worker()
    bench.submit(case)
    begun = stage.removesuffix("d") if stage == "encoded" else stage
    bench.eventually(lambda: begun in bench.steps(case))
    if stage == "encoded":
        bench.eventually((bench.folder(case) / "objects.json").exists)
    bench.kill(first)
    (bench.folder(case) / f"{stage}.go").touch()
    bench.start_worker()
    bench.eventually(lambda: bench.is_safe(case))
    kept = (bench.folder(case) / "objects.json").read_text()
    assert len(delivered(out)) == 2
    assert kept.count('"kind"') == 2
    assert bench.steps(case).count("analyse") == (2 if stage == "analyse" else 1)


def test_kept_bytes_are_not_made_again_after_a_kill(bench, out: Path) -> None:
    case = bench.new_case(encoded="wait")
    first = bench.start_worker()
    bench.submit(case)
    kept = bench.folder(case) / "objects.json"
    bench.eventually(kept.exists)
    before = kept.read_bytes()
    bench.kill(first)
    bench.start_worker()
    bench.eventually(lambda: bench.is_safe(case))
    assert kept.read_bytes() == before
    assert bench.steps(case).count("encode") == 1


def test_a_delivery_that_waits_goes_on_however_often_workers_were_started(bench, out: Path) -> None:
    out.rmdir()
    case = bench.new_case()
    first = bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: any(line["event"] == "engine.delivery_waits" for line in bench.log()))
    bench.kill(first)
    with sqlite3.connect(bench.data_dir / "engine.sqlite") as engine:
        changed = engine.execute("UPDATE workflow_status SET recovery_attempts = 1000 WHERE name = 'deliver'")
        assert changed.rowcount == 1
    engine.close()
    out.mkdir()
    bench.start_worker()
    bench.eventually(lambda: bench.is_safe(case))
