"""The command line as such: help, exit codes, where answers and errors go."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from node.cli.main import COMMANDS


def lungnode(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "node", *words], capture_output=True, text=True, check=False, timeout=120
    )


def test_help_names_every_command() -> None:
    shown = lungnode("--help").stdout
    assert [name for name in COMMANDS if f" {name} " not in shown] == []


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_has_help_with_its_own_name(command: str) -> None:
    done = lungnode(command, "--help")
    assert done.returncode == 0
    (usage,) = [line for line in done.stdout.splitlines() if "Usage:" in line]
    assert f" {command} " in usage


def test_a_folder_that_cannot_be_written_is_a_matter_of_the_environment(tmp_path: Path) -> None:
    done = lungnode("phantom", "/proc/nowhere", "--slices", "2", "--size", "16", "--json")
    assert done.returncode == 5
    assert json.loads(done.stdout)["error"]["code"] == "ENV-FILE"


def test_an_address_that_is_none_is_a_mistake_in_usage(tmp_path: Path) -> None:
    assert lungnode("send", str(tmp_path), "--to", "garbage").returncode == 2


@pytest.mark.parametrize("slot", ["../x", "intake", ""])
def test_a_slot_that_is_none_is_a_mistake_in_usage(tmp_path: Path, slot: str) -> None:
    settings = tmp_path / "site.toml"
    settings.write_text(f'data_dir = "{tmp_path / "data"}"\n')
    done = lungnode("work", "--config", str(settings), "--slot", slot)
    assert done.returncode == 2
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("words", "about"),
    [
        (("--to", "X@127.0.0.1:0"), "the port 1 to 65535"),
        (("--to", "X@127.0.0.1:99999"), "the port 1 to 65535"),
        (("--to", "X@127.0.0.1:104", "--calling", ""), "is no AE title"),
        (("--to", "X@127.0.0.1:104", "--calling", "ÄÄ"), "is no AE title"),
        (("--to", "X@127.0.0.1:104"), "nobody was called"),
        (("--to", "X@[::1]:104"), "nobody was called"),
        (("--to", "X@::1:104"), "an IPv6 address in brackets"),
    ],
)
def test_what_cannot_be_sent_is_a_mistake_in_usage_told_before_anybody_is_called(
    tmp_path: Path, words: tuple[str, ...], about: str
) -> None:
    done = lungnode("send", str(tmp_path), *words, "--json")
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"]) == (2, "USAGE")
    assert about in error["message"]


def test_answers_can_be_piped() -> None:
    done = lungnode("models", "list")
    assert "lungs-rule" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "about"),
    [
        (("jobs", "show", "--json"), "Missing argument"),
        (("models", "list", "--jsno", "--json"), "--jsno"),
        (("no-such-command", "--json"), "no-such-command"),
        (("send", ".", "--to", "garbage", "--json"), "AET@HOST:PORT"),
        (("phantom", "x", "--slices", "many", "--json"), "--slices"),
    ],
)
def test_a_mistake_in_usage_is_one_json_object_with_its_code(words: tuple[str, ...], about: str) -> None:
    done = lungnode(*words)
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "USAGE"
    assert about in error["message"]
    assert error["retryable"] is False


def test_the_status_of_a_command_is_the_same_with_json(tmp_path: Path) -> None:
    done = lungnode("analyse", str(tmp_path), "--out", str(tmp_path / "out"), "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["outcome"] == "not-routed"
    done = lungnode("models", "list", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["models"]
