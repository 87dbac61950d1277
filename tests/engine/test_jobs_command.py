"""`lungnode jobs`: one JSON object, exit codes, and the same orders as in the engine."""

import json
import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from node.cli.jobs import app
from node.deliver.receipt import Receipt, State
from node.engine.case_file import read_case_file, write_case
from node.engine.delivery_file import Delivery, Stage, read_delivery, write_delivery
from node.engine.files import write_json
from node.engine.pause import paused_because
from node.engine.steps import SAFE_FILE
from node.engine.stores import opened_stores
from node.errors import InputRefused, Misconfigured, WrongUsage


@pytest.fixture
def read(bench, tmp_path: Path):
    """Run `lungnode jobs ...` for a person and return what stands on standard output."""
    config = tmp_path / "lungnode.toml"
    config.write_text(f'data_dir = "{bench.data_dir}"\n')

    def invoke(capsys, *words: str) -> str:
        app([*words, "--config", str(config)], standalone_mode=False)
        return capsys.readouterr().out

    return invoke


@pytest.fixture
def run(bench, tmp_path: Path):
    """Run `lungnode jobs ... --json` on the bench's folder and return what it printed."""
    config = tmp_path / "lungnode.toml"
    config.write_text(f'data_dir = "{bench.data_dir}"\n')

    def invoke(*words: str) -> dict:
        done = CliRunner().invoke(app, [*words, "--config", str(config), "--json"])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return invoke


def test_all_dead_letters_are_replayed_at_once_and_nothing_else(bench, run) -> None:
    dead, held, other = bench.new_case(), bench.new_case(), bench.new_case()
    worker = bench.start_worker()
    for case in (dead, held, other):
        bench.submit(case)
        bench.eventually(lambda case=case: bench.is_safe(case))
    bench.kill(worker)
    for case, name, stage in ((dead, "here", Stage.DEAD), (held, "here", Stage.HELD), (other, "there", Stage.DEAD)):
        (bench.folder(case) / SAFE_FILE).unlink()
        write_delivery(bench.folder(case), Delivery(name, stage, why="connect"))
    assert run("replay", "--state", "dead-letter", "--to", "here") == {"replayed": {dead: ["here"]}}
    assert run("replay", "--state", "dead-letter") == {"replayed": {other: ["there"]}}
    assert run("replay", "--state", "dead-letter") == {"replayed": {}}
    assert read_delivery(bench.folder(held), "here").stage is Stage.HELD


def test_a_misspelt_destination_does_not_look_like_one_without_dead_letters(bench, run) -> None:
    bench.kill(bench.start_worker())
    with pytest.raises(Misconfigured, match="there is no destination 'pasc'"):
        run("replay", "--state", "dead-letter", "--to", "pasc")


@pytest.mark.parametrize("words", [(), ("--state", "held"), ("3fa9c1", "--state", "dead-letter")])
def test_a_replay_is_of_one_job_or_of_all_dead_letters(run, words: tuple[str, ...]) -> None:
    with pytest.raises(WrongUsage, match="takes a job, or --state dead-letter"):
        run("replay", *words)


def test_a_case_is_listed_shown_cancelled_and_begun_again(bench, run) -> None:
    case = bench.new_case(analyse="wait")
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: bench.steps(case) == ["analyse"])
    assert [j["state"] for j in run("list")["jobs"]] == ["working"]
    assert run("cancel", case[:12])["did"] == "cancelled"
    assert run("list", "--state", "cancelled")["jobs"][0]["workflow_id"] == case
    (bench.folder(case) / "analyse.order").unlink()
    assert run("retry", case[:12])["did"] == "queued again"
    bench.eventually(lambda: bench.is_safe(case))
    bench.eventually(lambda: run("show", case[:12])["state"] == "done")
    assert run("show", case[:12])["deliveries"][0]["stage"] == "safe"
    with pytest.raises(InputRefused, match="nothing to replay"):
        run("replay", case[:12])


def test_the_pause_switch_shows_in_the_list(bench, run) -> None:
    bench.kill(bench.start_worker())
    run("pause", "the PACS is upgraded")
    assert run("list")["paused"].startswith("the PACS is upgraded")
    run("resume")
    assert paused_because(bench.data_dir) is None


@pytest.mark.parametrize("word", ["pause", "resume"])
def test_nobody_is_paused_where_no_node_has_worked(bench, run, word) -> None:
    with pytest.raises(Misconfigured) as refused:
        run(word)
    assert refused.value.code == "ENG-ABSENT"
    assert paused_because(bench.data_dir) is None


def test_an_unknown_job_is_a_coded_error(bench, run) -> None:
    bench.kill(bench.start_worker())
    with pytest.raises(Misconfigured) as refused:
        run("show", "beef")
    assert refused.value.code == "JOB-UNKNOWN"


def test_a_case_is_shown_in_words_with_all_that_was_answered(bench, read, capsys) -> None:
    case = bench.new_case()
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: bench.is_safe(case))
    reason = {"code": "ACQ-KERNEL", "text": "a sharp kernel", "severity": "warn", "affects": []}
    made = {"kind": "SEG", "series_number": 9001, "sop_instance_uid": "1.9"}
    measured = {"name": "volume", "side": "left", "zone": None, "value": 2.5, "unit": "l", "refused_by": []}
    withheld = measured | {"value": None, "refused_by": ["GEO-PARTIAL"]}
    result = {"reasons": [reason], "objects": [made], "measurements": [measured, withheld], "timings_s": {"read": 1.5}}
    write_json(bench.folder(case) / "result.json", result)
    shown = read(capsys, "show", case[:12])
    for wanted in (
        "study 1.2\n",
        "series 1.2.3, 1 instances",
        "run 1\n",
        "warn ACQ-KERNEL: a sharp kernel",
        "step analyse done in ",
        "read took 1.50 s",
        "volume left: 2.5 l",
        "volume left: withheld by GEO-PARTIAL",
        "object SEG (lungnode SEG (AI)), series number 9001, 1.9",
        "here: safe after 1 attempts",
        "attempt 1 20",
    ):
        assert wanted in shown
    assert "not yet" not in shown


def test_a_run_that_a_newer_one_supersedes_is_marked(bench, read, capsys) -> None:
    bench.kill(bench.start_worker())
    older, newer = bench.new_case(), bench.new_case()
    kept = read_case_file(bench.data_dir, newer)
    assert kept is not None
    write_case(bench.data_dir, replace(kept, predecessor=older, ordinal=2))
    assert f"superseded by {newer[:12]}" in read(capsys, "list")
    assert f"run 2, supersedes {older[:12]}" in read(capsys, "show", newer)


def test_a_series_that_waits_is_shown_by_its_uid(bench, read, run, capsys) -> None:
    line = {"study_instance_uid": "1.8", "series_instance_uid": "1.8.9", "route": "default", "n_instances": 7,
            "why": "7 of 9 instances are here", "until_s": 0.0}  # fmt: skip
    bench.kill(bench.start_worker())
    write_json(bench.data_dir / "engine" / "waiting.json", [line])
    assert "7 instances  7 of 9 instances are here" in read(capsys, "show", "1.8.9")
    assert run("show", "1.8.9") == {"jobs": [], "waiting": [line], "decisions": []}


def test_a_series_that_was_not_chosen_says_why_by_its_uid_and_by_its_study(bench, read, run, capsys) -> None:
    bench.kill(bench.start_worker())
    case = bench.new_case()  # of series 1.2.3 of study 1.2
    with opened_stores(bench.settings) as stores:
        stores.ledger.decide("1.2", "WaitUntil", "3 s of quiet are wanted", series_uid="1.2.3")
        stores.ledger.decide("1.2", "skipped", "an older word", series_uid="1.2.4", code="RT-SOP")
        stores.ledger.decide(
            "1.2", "skipped", "modality MR is neither CT nor PT", series_uid="1.2.4", code="RT-MODALITY"
        )
        stores.ledger.decide("1.20", "skipped", "another study's", series_uid="1.2.40", code="RT-SOP")
    of_series = run("show", "1.2.4")
    assert (of_series["jobs"], [d["code"] for d in of_series["decisions"]]) == ([], ["RT-MODALITY"])
    of_study = run("show", "1.2")
    assert [j["workflow_id"] for j in of_study["jobs"]] == [case]
    assert [d["series_uid"] for d in of_study["decisions"]] == ["1.2.3", "1.2.4"]
    shown = read(capsys, "show", "1.2.4")
    assert shown.startswith("skipped       1.2.4  RT-MODALITY: modality MR is neither CT nor PT  20")
    with pytest.raises(Misconfigured) as unknown:
        run("show", "1.2.5")
    assert (unknown.value.code, "did not arrive" in unknown.value.message) == ("JOB-UNKNOWN", True)


def test_a_misspelt_state_does_not_look_like_an_empty_one(bench, read, run, capsys) -> None:
    bench.kill(bench.start_worker())
    assert read(capsys, "list") == "no case; there are: none\n"
    bench.new_case()
    write_json(bench.data_dir / "engine" / "waiting.json", [{"series_instance_uid": "1.8.9"}])
    assert read(capsys, "list", "--state", "deadletter") == "no case is 'deadletter'; there are: 1 not queued\n"
    assert run("list", "--state", "dead-letter")["waiting"] == []


@pytest.fixture
def in_berlin(monkeypatch):
    """The clock on the wall two hours ahead in summer, one in winter."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_berlin")
def test_the_list_has_headings_and_each_case_its_last_change_by_the_clock_on_the_wall(bench, read, run, capsys) -> None:
    bench.kill(bench.start_worker())
    case = bench.new_case()
    changed_s = int(time.time()) + 3600  # later than the case was made
    at_s = datetime(2031, 7, 1, 10, 20, 30, tzinfo=UTC).timestamp()
    write_delivery(bench.folder(case), Delivery("pacs", stage=Stage.WAITING, attempts=1, why="no answer"))
    os.utime(bench.folder(case) / "delivery" / "pacs.json", (at_s, at_s))
    heading, line = read(capsys, "list").splitlines()
    assert heading.split("  ")[0] == "STATE"
    for word, at in (("JOB", case[:12]), ("LAST CHANGE", "2031-07-01 12:20:30 CEST"), ("SERIES", "1.2.3")):
        assert heading.index(word) == line.index(at)
    assert heading.index("WHY") > heading.index("RESULT")
    assert run("list")["jobs"][0]["changed"] == "2031-07-01T10:20:30+00:00"
    os.utime(bench.folder(case) / "delivery" / "pacs.json", (0, 0))
    assert datetime.fromisoformat(run("list")["jobs"][0]["changed"]).timestamp() < changed_s
    assert read(capsys, "show", "1.2.3").splitlines()[0].split() == heading.split()  # CET is narrower than CEST


@pytest.mark.usefixtures("in_berlin")
def test_a_series_that_waits_says_until_when_by_the_clock_on_the_wall(bench, read, capsys) -> None:
    bench.kill(bench.start_worker())
    until_s = datetime(2031, 1, 1, 23, 30, tzinfo=UTC).timestamp()
    line = {"study_instance_uid": "1.8", "series_instance_uid": "1.8.9", "route": "default", "n_instances": 7,
            "why": "quiet is wanted", "until_s": until_s}  # fmt: skip
    write_json(bench.data_dir / "engine" / "waiting.json", [line])
    assert "quiet is wanted; until 2031-01-02 00:30:00 CET at the latest" in read(capsys, "list")


def test_a_delivery_that_was_given_up_is_shown_with_its_next_step(bench, read, capsys) -> None:
    bench.kill(bench.start_worker())
    case = bench.new_case()
    refused = Receipt("1.9", State.PERMANENT, "context-refused", "the peer takes none")
    dead = Delivery("pacs", stage=Stage.DEAD, attempts=1, why="SEG: context-refused the peer takes none")
    write_delivery(bench.folder(case), dead.with_receipts((refused,)))
    shown = read(capsys, "show", case[:12])
    assert "DLV-DEAD, next: last error context-refused: see objects of destination 'pacs'; then lungnode jobs" in shown
