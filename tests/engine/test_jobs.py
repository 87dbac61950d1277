"""What a person sees and does: list, show, cancel, retry, replay, pause."""

import contextlib
import errno
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from node.engine import jobs
from node.engine.delivery_file import read_delivery, write_delivery
from node.engine.pause import pause, paused_because, resume
from node.errors import InputRefused, Misconfigured
from node.settings import load


@contextlib.contextmanager
def looking(bench, workflow_id: str) -> Iterator[tuple]:
    with jobs.opened(bench.settings) as engine:
        yield engine, jobs.job(bench.settings, engine, workflow_id)


def state(bench, workflow_id: str) -> str:
    with looking(bench, workflow_id) as (_, found):
        return found.state


def unblock(blocked: Path) -> None:
    """Put the folder where the file was."""
    blocked.unlink()
    blocked.mkdir()


def test_a_case_is_shown_with_its_steps_and_receipts(bench) -> None:
    case = bench.new_case()
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: bench.is_safe(case))
    with looking(bench, case[:10]) as (engine, found):
        shown = jobs.details(bench.settings, engine, found)
    assert [s["step"] for s in shown["steps"]][:3] == ["analyse", "encode", "destinations"]
    assert [r["state"] for r in shown["deliveries"][0]["receipts"].values()] == ["stored", "stored"]
    assert (found.state, found.as_json()["destinations"]) == ("done", {"here": "safe"})
    with pytest.raises(InputRefused, match="already delivered; nothing to cancel"), looking(bench, case) as (engine, _):
        jobs.cancel(bench.settings, engine, found)
    with pytest.raises(InputRefused, match="nothing to retry") as refused, looking(bench, case) as (engine, _):
        jobs.retry(bench.settings, engine, found)
    assert (refused.value.code, refused.value.exit_code) == ("JOB-NOTHING", 3)
    with pytest.raises(InputRefused, match="nothing to replay") as refused, looking(bench, case) as (engine, _):
        jobs.replay(bench.settings, engine, found, None)
    assert (refused.value.code, refused.value.exit_code) == ("JOB-NOTHING", 3)
    assert state(bench, case) == "done"


def test_a_running_analysis_is_cancelled_at_once_and_can_be_begun_again(bench) -> None:
    case = bench.new_case(analyse="wait")
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: bench.steps(case) == ["analyse"])
    with looking(bench, case) as (engine, found):
        jobs.cancel(bench.settings, engine, found)
    bench.eventually(lambda: any(line["event"] == "engine.step_cancelled" for line in bench.log()))
    assert state(bench, case) == "cancelled"
    (bench.folder(case) / "analyse.order").unlink()
    with looking(bench, case) as (engine, found):
        assert jobs.retry(bench.settings, engine, found) == "queued again"
    bench.eventually(lambda: bench.is_safe(case))


def test_a_failed_case_keeps_its_code_and_can_be_begun_again(bench) -> None:
    case = bench.new_case(encode="raise")
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: bench.status(case) == "ERROR")
    with looking(bench, case) as (engine, found):
        assert (found.state, found.why) == ("failed", "TEST-MISTAKE: as ordered")
        (bench.folder(case) / "encode.order").unlink()
        jobs.retry(bench.settings, engine, found)
    bench.eventually(lambda: bench.is_safe(case))


def test_a_case_that_took_its_worker_down_too_often_says_so_and_can_be_begun_again(bench) -> None:
    case = bench.new_case(analyse="wait")
    worker = bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: bench.steps(case) == ["analyse"])
    bench.kill(worker)
    with contextlib.closing(sqlite3.connect(bench.data_dir / "engine.sqlite")) as database, database:
        database.execute("UPDATE workflow_status SET recovery_attempts = 101")
    bench.start_worker()
    bench.eventually(lambda: state(bench, case) == "failed")
    with looking(bench, case) as (engine, found):
        assert found.why.startswith("ENG-TRIES: its worker ended 100 times before the case did")
        (bench.folder(case) / "analyse.order").unlink()
        assert jobs.retry(bench.settings, engine, found) == "queued again"
    bench.eventually(lambda: bench.is_safe(case))


def test_while_paused_nothing_begins_and_afterwards_it_does(bench) -> None:
    case = bench.new_case()
    bench.start_worker()
    pause(bench.data_dir, "upgrade")
    bench.submit(case)
    bench.eventually(lambda: bench.status(case) == "PENDING")
    bench.eventually(lambda: state(bench, case) == "waiting: paused")
    assert bench.steps(case) == []
    assert paused_because(bench.data_dir).startswith("upgrade")
    resume(bench.data_dir)
    bench.eventually(lambda: bench.is_safe(case))
    assert state(bench, case) == "done"


def test_below_the_soft_mark_a_case_waits_for_the_disk(bench) -> None:
    (bench.data_dir / "disk-is-full").touch()
    case = bench.new_case()
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: state(bench, case) == "waiting: disk")
    (bench.data_dir / "disk-is-full").unlink()
    bench.eventually(lambda: bench.is_safe(case))


@pytest.mark.parametrize("step", ["analyse", "encode"])
def test_a_step_that_failed_on_a_disk_that_takes_nothing_is_run_again_once_it_does(bench, step: str) -> None:
    case = bench.new_case(**{step: "library"})
    (bench.data_dir / "disk-takes-nothing").touch()
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: state(bench, case) == "waiting: disk")
    (bench.folder(case) / f"{step}.order").unlink()
    (bench.data_dir / "disk-takes-nothing").unlink()
    bench.eventually(lambda: bench.is_safe(case))


def test_a_case_waits_where_the_machine_gives_no_process_and_then_goes_on(bench) -> None:
    (bench.data_dir / "no-process").touch()
    case = bench.new_case()
    bench.start_worker()
    bench.submit(case)
    waits_for_a_process(bench, case, "analyse")
    bench.eventually(lambda: bench.is_safe(case))
    assert state(bench, case) == "done"


def test_a_step_that_lost_its_process_waits_for_another_one(bench) -> None:
    case = bench.new_case(analyse="wait", encode="die")
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: bench.steps(case) == ["analyse"])
    (bench.data_dir / "no-process").touch()
    (bench.folder(case) / "analyse.go").touch()
    bench.eventually(lambda: state(bench, case) == "waiting: no process")
    (bench.folder(case) / "encode.order").unlink()
    waits_for_a_process(bench, case, "encode")
    bench.eventually(lambda: bench.is_safe(case))


def waits_for_a_process(bench, case: str, step: str) -> None:
    """See a case wait and told with its code, then give it a process."""
    bench.eventually(lambda: state(bench, case) == "waiting: no process")
    told = next(line for line in bench.log() if line["event"] == "engine.no_process")
    assert (told["code"], told["step"], told["workflow_id"]) == ("SYS-FORK", step, case)
    (bench.data_dir / "no-process").unlink()


def test_a_case_that_waits_for_a_process_can_be_cancelled(bench) -> None:
    (bench.data_dir / "no-process").touch()
    case = bench.new_case()
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: state(bench, case) == "waiting: no process")
    with looking(bench, case) as (engine, found):
        jobs.cancel(bench.settings, engine, found)
    bench.eventually(lambda: any(line["event"] == "engine.step_cancelled" for line in bench.log()))
    assert state(bench, case) == "cancelled"


def test_a_delivery_that_is_given_up_is_a_dead_letter_and_can_be_replayed(make_bench, tmp_path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    bench = make_bench(
        destinations=[
            {"name": "pacs", "kind": "folder", "path": str(blocked), "first_retry_s": 0.05, "longest_retry_s": 0.1,
             "give_up_after_s": 0.5}
        ]
    )  # fmt: skip
    case = bench.new_case()
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: state(bench, case) == "dead-letter")
    bench.eventually(lambda: alerts(bench))  # told once it is kept
    alert = alerts(bench)[0]
    assert (alert["level"], alert["workflow_id"], alert["destination"]) == ("error", case, "pacs")
    assert alert["code"] == "DLV-DEAD"
    first, _, then = alert["next_step"].partition("; then ")
    assert first == f"last error errno {errno.ENOTDIR}: see path of destination 'pacs'"
    assert then == f"lungnode jobs replay {case[:12]} --to pacs"
    kept = (bench.folder(case) / "objects.json").read_bytes()
    unblock(blocked)
    with looking(bench, case) as (engine, found):
        assert jobs.replay(bench.settings, engine, found, None) == ("pacs",)
    bench.eventually(lambda: bench.is_safe(case))
    assert (bench.folder(case) / "objects.json").read_bytes() == kept
    assert bench.steps(case) == ["analyse", "encode"]


def test_a_waiting_delivery_is_tried_at_once_when_asked(make_bench, tmp_path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    bench = make_bench(destinations=[{"name": "pacs", "kind": "folder", "path": str(blocked), "first_retry_s": 600}])
    case = bench.new_case()
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: "errno" in state_and_why(bench, case))
    unblock(blocked)
    with looking(bench, case) as (engine, found):
        jobs.retry(bench.settings, engine, found)
    bench.eventually(lambda: bench.is_safe(case))


def state_and_why(bench, case: str) -> str:
    with looking(bench, case) as (_, found):
        return f"{found.state} {found.why}"


def alerts(bench) -> list[dict]:
    return [line for line in bench.log() if line["event"] == "engine.delivery_needs_a_person"]


def attempt_is_recorded(bench, case: str) -> bool:
    with looking(bench, case) as (engine, _):
        delivery = f"{case}-pacs"
        if not engine.list_workflows(workflow_ids=[delivery]):
            return False
        return "attempt" in [step["function_name"] for step in engine.list_workflow_steps(delivery)]


def test_a_delivery_under_another_identity_is_held_until_it_is_replayed(bench) -> None:
    (bench.data_dir / "identity-differs").touch()
    case = bench.new_case()
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: state(bench, case) == "held")
    assert not bench.is_safe(case)
    bench.eventually(lambda: "ID-CHANGED" in [alert["code"] for alert in alerts(bench)])
    (bench.data_dir / "identity-differs").unlink()
    with looking(bench, case) as (engine, found):
        jobs.replay(bench.settings, engine, found, "here")
    bench.eventually(lambda: bench.is_safe(case))


def test_one_dead_destination_keeps_nobody_from_the_other(make_bench, tmp_path, out) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    bench = make_bench(
        destinations=[
            {"name": "dead", "kind": "folder", "path": str(blocked), "first_retry_s": 600},
            {"name": "alive", "kind": "folder", "path": str(out)},
        ]
    )
    cases = [bench.new_case() for _ in range(6)]
    bench.start_worker()
    for case in cases:
        bench.submit(case)
    bench.eventually(lambda: len(list(out.rglob("*.dcm"))) == 12)
    assert not any(bench.is_safe(case) for case in cases)


def test_a_case_goes_to_the_destinations_of_its_route_alone(make_bench, tmp_path) -> None:
    places = {name: tmp_path / name for name in ("one", "two")}
    for place in places.values():
        place.mkdir()
    bench = make_bench(destinations=[{"name": n, "kind": "folder", "path": str(p)} for n, p in places.items()])
    case = bench.new_case(destinations=("two",))
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: bench.is_safe(case))
    assert [len(list(p.rglob("*.dcm"))) for p in places.values()] == [0, 2]


def test_submitting_a_case_again_changes_nothing(bench, out) -> None:
    case = bench.new_case()
    bench.start_worker()
    for _ in range(3):
        bench.submit(case)
    bench.eventually(lambda: bench.is_safe(case))
    bench.submit(case)
    assert bench.steps(case) == ["analyse", "encode"]
    assert len(list(out.rglob("*.dcm"))) == 2


@pytest.mark.parametrize("asked", ["beef", "../../etc", "*"])
def test_an_unknown_id_is_refused(bench, asked: str) -> None:
    bench.kill(bench.start_worker())
    with jobs.opened(bench.settings) as engine, pytest.raises(Misconfigured, match=r"no job|not the id"):
        jobs.job(bench.settings, engine, asked)


def test_without_a_worker_ever_there_is_nothing_to_ask(bench) -> None:
    with pytest.raises(Misconfigured) as refused, jobs.opened(bench.settings):
        pass
    assert refused.value.code == "ENG-ABSENT"


def test_where_no_settings_file_was_read_that_and_the_folder_are_told(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load(environ={})
    with pytest.raises(Misconfigured) as refused, jobs.opened(settings.model_copy(update={"data_dir": tmp_path})):
        pass
    said = refused.value.message
    assert said.startswith(f"no settings file was read, so the default data folder {tmp_path} was looked in")
    assert said.endswith("name the node's settings with `--config FILE` or LUNGNODE_CONFIG=FILE")


@pytest.mark.parametrize("named", ["by word", "by variable", "by lying there"])
def test_where_a_settings_file_was_read_it_and_its_folder_are_told(tmp_path, monkeypatch, named: str) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / ("lungnode.toml" if named == "by lying there" else "site.toml")
    file.write_text(f'data_dir = "{tmp_path}/data"\n')
    settings = load(
        file if named == "by word" else None, {"LUNGNODE_CONFIG": str(file)} if named == "by variable" else {}
    )
    with pytest.raises(Misconfigured) as refused, jobs.opened(settings):
        pass
    assert f"no worker has run on {tmp_path}/data yet, the data folder of " in refused.value.message
    assert f"{file.name}: start `lungnode serve` first" in refused.value.message


def test_a_delivery_whose_attempt_breaks_off_is_tried_again_and_given_up_in_its_time(make_bench) -> None:
    bench = make_bench(
        destinations=[
            {"name": "pacs", "kind": "cstore", "ae_title": "PACS", "host": "127.0.0.1", "port": 1, "confirm": "none",
             "first_retry_s": 0.05, "longest_retry_s": 0.1, "give_up_after_s": 1.0}
        ]
    )  # fmt: skip
    case = bench.new_case()  # its objects are no DICOM, which the way to a C-STORE destination does not foresee
    bench.start_worker()
    bench.submit(case)
    given_up = "dead-letter pacs: given up: InvalidDicomError; the log has the details"
    bench.eventually(lambda: state_and_why(bench, case) == given_up)
    with looking(bench, case) as (_, found):
        assert found.deliveries[0].attempts > 1
    bench.eventually(lambda: any(line.get("code") == "DLV-DEAD" for line in bench.log()))  # told once it is kept


def test_a_delivery_that_nobody_tries_any_more_is_begun_anew_when_asked(make_bench, tmp_path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    bench = make_bench(
        destinations=[
            {"name": "pacs", "kind": "folder", "path": str(blocked), "first_retry_s": 600},
            {"name": "pacs2", "kind": "folder", "path": str(blocked), "first_retry_s": 600},
        ]
    )
    case = bench.new_case()
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: "errno" in state_and_why(bench, case))
    with looking(bench, case) as (engine, _):
        engine.cancel_workflow(f"{case}-pacs")
    bench.eventually(lambda: bench.status(f"{case}-pacs") == "CANCELLED")
    unblock(blocked)
    with looking(bench, case) as (engine, found):
        jobs.retry(bench.settings, engine, found)
    bench.eventually(lambda: bench.is_safe(case))


@pytest.mark.parametrize("why", ["its workflow ended", "the credentials were refused"])
def test_a_restart_goes_on_with_a_delivery_that_would_not_by_itself(make_bench, tmp_path, why: str) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    bench = make_bench(destinations=[{"name": "pacs", "kind": "folder", "path": str(blocked), "first_retry_s": 600}])
    case = bench.new_case()
    worker = bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: "errno" in state_and_why(bench, case))
    bench.eventually(lambda: bench.status(case) == "SUCCESS")
    if why == "its workflow ended":
        with looking(bench, case) as (engine, _):
            engine.cancel_workflow(f"{case}-pacs")
    bench.kill(worker)
    if why == "the credentials were refused":
        before = read_delivery(bench.folder(case), "pacs")
        refused = {uid: replace(one, unauthorised=True) for uid, one in before.receipts.items()}
        write_delivery(bench.folder(case), replace(before, receipts=refused))
    unblock(blocked)
    bench.start_worker()
    bench.eventually(lambda: bench.is_safe(case))


def test_a_restart_leaves_a_delivery_alone_that_waits_its_turn(make_bench, tmp_path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    bench = make_bench(destinations=[{"name": "pacs", "kind": "folder", "path": str(blocked), "first_retry_s": 600}])
    case, later = bench.new_case(), bench.new_case(destinations=())
    worker = bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: attempt_is_recorded(bench, case))  # killed before that, it is rightly tried once more
    bench.kill(worker)
    bench.start_worker()
    bench.submit(later)
    bench.eventually(lambda: bench.is_safe(later))
    time.sleep(1)  # the subject is what does not happen in this time
    assert read_delivery(bench.folder(case), "pacs").attempts == 1
