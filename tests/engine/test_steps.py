"""What a step that takes too long, too much memory or its process down comes to."""

import json
import time
from dataclasses import replace

import pytest

from node.deliver.commitment import NotRequested
from node.deliver.receipt import State, same_for_all
from node.engine.alerts import long_waits
from node.engine.backoff import OPENS_AFTER
from node.engine.delivery import Ways
from node.engine.delivery_file import Delivery, Stage, read_delivery, write_delivery
from node.engine.outbox import KeptObject, digest_of, publish
from node.engine.steps import Steps
from node.engine.stopped import Stopped, why_stopped
from node.errors import WorldUnavailable


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


def test_a_delivery_that_may_not_go_unchecked_waits_longer_each_time_is_told_and_given_up(bench) -> None:
    """`rules.stop_without_identity_check`, and an archive that stays silent."""

    def silent(_study: str, _result: object) -> None:
        raise WorldUnavailable("ARCHIVE-DOWN", "the archive could not be asked for the identity")

    case = bench.new_case()
    folder = bench.folder(case)
    (folder / "seg.dcm").write_bytes(b"a result")
    publish(folder, [KeptObject("SEG", "seg.dcm", digest_of(folder / "seg.dcm"), "1.2", "1.3", "1.4", 1)])
    steps = Steps(bench.settings, None, None, identity_differs=silent, enough_disk=lambda: True)
    due_s = time.time() - 1000.0
    write_delivery(folder, Delivery("here", due_s=due_s))
    waits_s = [steps.attempt(case, "here", due_s, lambda: False)["wait_s"] for _ in range(8)]
    assert waits_s[-1] > 10 * waits_s[0]
    waiting = read_delivery(folder, "here")
    assert (waiting.stage, waiting.attempts) == (Stage.WAITING, 8)
    assert "ARCHIVE-DOWN" in long_waits([waiting], time.time())[0]
    write_delivery(folder, replace(waiting, due_s=0.0))
    assert steps.attempt(case, "here", 0.0, lambda: False)["stage"] == Stage.DEAD


def test_a_clock_that_is_set_back_keeps_no_destination_waiting(bench, monkeypatch: pytest.MonkeyPatch) -> None:
    case = bench.new_case()
    folder = bench.folder(case)
    (folder / "seg.dcm").write_bytes(b"a result")
    publish(folder, [KeptObject("SEG", "seg.dcm", digest_of(folder / "seg.dcm"), "1.2", "1.3", "1.4", 1)])
    nobody = Ways(
        send=lambda objects, _: same_for_all(objects, State.RETRYABLE, "connect", "nobody is there"),
        ask_back=lambda *_: None,
        request_commitment=lambda *_: NotRequested("connect", ""),
        read_commitment=lambda _: None,
        holds_study=lambda *_: True,
    )
    steps = Steps(bench.settings, None, nobody, identity_differs=lambda *_: None, enough_disk=lambda: True)
    for _ in range(OPENS_AFTER):
        steps.attempt(case, "here", time.time(), lambda: False)
    now_s = time.time()
    monkeypatch.setattr(time, "time", lambda: now_s - 86_400.0)
    assert steps.attempt(case, "here", now_s, lambda: False)["wait_s"] < 10.0
