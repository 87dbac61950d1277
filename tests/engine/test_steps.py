"""What a step that takes too long, too much memory or its process down comes to."""

import json

import pytest

from node.engine.stopped import Stopped, why_stopped


def refusal_of(bench, case: str) -> list[str]:
    kept = json.loads((bench.folder(case) / "refusal.json").read_text())
    return [reason["code"] for reason in kept["reasons"]]


def test_an_analysis_that_takes_too_long_is_refused_and_told(make_bench) -> None:
    bench = make_bench(compute={"limit_s": 3.0})
    case = bench.new_case(analyse="wait")
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: bench.is_safe(case))
    assert refusal_of(bench, case) == ["SYS-TIME"]
    assert "encode" in bench.steps(case)  # the notice


def test_an_analysis_that_needs_too_much_memory_is_tried_again_and_then_refused(bench) -> None:
    case = bench.new_case(analyse="out-of-memory")
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: bench.is_safe(case))
    assert refusal_of(bench, case) == ["SYS-MEM"]
    assert bench.steps(case).count("analyse") == 3


@pytest.mark.parametrize("step", ["analyse", "encode"])
def test_a_step_that_crashes_its_process_ends_the_case_and_the_worker_lives(bench, step: str) -> None:
    case, good = bench.new_case(**{step: "die"}), bench.new_case()
    bench.start_worker()
    bench.submit(case)
    bench.submit(good)
    bench.eventually(lambda: bench.is_safe(good))
    bench.eventually(lambda: bench.status(case) == "ERROR")
    assert bench.steps(case).count(step) == 3


def test_kept_bytes_that_were_changed_on_disk_are_never_sent(bench, out) -> None:
    case = bench.new_case(encoded="wait")
    bench.start_worker()
    bench.submit(case)
    bench.eventually((bench.folder(case) / "objects.json").exists)
    next(bench.folder(case).glob("objects-*/SEG.dcm")).write_bytes(b"something else")
    (bench.folder(case) / "encoded.go").touch()
    bench.eventually(lambda: bench.status(f"{case}-here") == "ERROR")
    assert list(out.rglob("*.dcm")) == []
    assert not bench.is_safe(case)
    alert = next(line for line in bench.log() if line["event"] == "engine.delivery_needs_a_person")
    assert (alert["code"], alert["why"].split(":")[0]) == ("DLV-DEAD", "ENG-OUTBOX")


def test_a_lung_at_an_end_slice_costs_one_more_look_where_no_count_is_known(make_bench) -> None:
    bench = make_bench(completeness={"quiet_s": 0.2})
    case = bench.new_case(analyse="partial")
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: bench.is_safe(case))
    assert (bench.status(case), bench.steps(case)) == ("SUCCESS", ["analyse", "encode"])


def test_slices_that_come_before_that_look_leave_the_case_to_a_new_run(make_bench) -> None:
    bench = make_bench(completeness={"quiet_s": 0.2})
    case = bench.new_case(analyse="partial")
    series = bench.data_dir / "spool" / "studies" / "1.2" / "1.2.3"
    series.mkdir(parents=True)
    for name in ("1.2.3.4", "1.2.3.5"):
        (series / f"{name}.dcm").touch()
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: bench.status(case) == "SUCCESS")
    assert why_stopped(bench.folder(case))[0] is Stopped.SUPERSEDED
    assert bench.steps(case) == ["analyse"]


@pytest.mark.parametrize("order", ["lesions", "none"])
def test_only_a_case_with_lesions_is_compared_before_it_is_encoded(bench, order: str) -> None:
    case = bench.new_case(analyse=order)
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: bench.is_safe(case))
    steps = [line["step"] for line in bench.log() if line.get("event") == "engine.step_done" and "step" in line]
    assert ("compare" in steps) is (order == "lesions")
    assert steps.index("encode") == steps.index("analyse") + (2 if order == "lesions" else 1)
