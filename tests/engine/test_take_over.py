"""A dead worker's work is taken over, by workers of the same version and of another one."""

import pytest
from dbos import DBOS


def test_the_private_call_is_where_the_reaper_expects_it() -> None:
    assert callable(DBOS._recover_pending_workflows)


def test_a_living_worker_takes_over_what_a_killed_one_had_begun(bench) -> None:
    case = bench.new_case(analyse="wait")
    first = bench.start_worker("worker-0")
    bench.submit(case)
    bench.eventually(lambda: bench.steps(case) == ["analyse"])
    bench.start_worker("worker-1")
    bench.kill(first)
    (bench.folder(case) / "analyse.go").touch()
    bench.eventually(lambda: bench.is_safe(case))
    assert bench.steps(case) == ["analyse", "analyse", "encode"]


def test_the_work_of_a_living_worker_is_left_alone(bench) -> None:
    case = bench.new_case(analyse="wait")
    bench.start_worker("worker-0")
    bench.submit(case)
    bench.eventually(lambda: bench.steps(case) == ["analyse"])
    bench.start_worker("worker-1")
    other = bench.new_case()
    bench.submit(other)
    bench.eventually(lambda: bench.is_safe(other))  # worker-1 works and has looked around
    (bench.folder(case) / "analyse.go").touch()
    bench.eventually(lambda: bench.is_safe(case))
    assert bench.steps(case) == ["analyse", "encode"]


@pytest.mark.parametrize("stage", ["analyse", "encode"])
def test_another_version_of_the_steps_drains_what_the_former_left(bench, out, stage: str) -> None:
    case = bench.new_case(**{stage: "wait"})
    former = bench.start_worker(version="0")
    bench.submit(case)
    bench.eventually(lambda: stage in bench.steps(case))
    bench.kill(former)
    (bench.folder(case) / f"{stage}.go").touch()
    bench.start_worker(version="1")
    bench.eventually(lambda: bench.is_safe(case))
    assert len(list(out.rglob("*.dcm"))) == 2


def test_a_case_that_was_kept_but_never_queued_is_queued_at_the_start(bench) -> None:
    bench.kill(bench.start_worker())
    case = bench.new_case()
    bench.start_worker()
    bench.eventually(lambda: bench.is_safe(case))
