"""`lungnode jobs`: one JSON object, exit codes, and the same orders as in the engine."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from node.cli.jobs import app
from node.engine.pause import paused_because
from node.errors import Misconfigured


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
    assert run("replay", case[:12])["replayed"] == []


def test_the_pause_switch_shows_in_the_list(bench, run) -> None:
    bench.kill(bench.start_worker())
    run("pause", "the PACS is upgraded")
    assert run("list")["paused"].startswith("the PACS is upgraded")
    run("resume")
    assert paused_because(bench.data_dir) is None


def test_an_unknown_job_is_a_coded_error(bench, run) -> None:
    bench.kill(bench.start_worker())
    with pytest.raises(Misconfigured) as refused:
        run("show", "beef")
    assert refused.value.code == "JOB-UNKNOWN"
