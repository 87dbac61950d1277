"""The log names a foreign exception by type and frames: its message may quote the header of a patient's image."""

import json
import subprocess
import sys

import pytest

_LOGS = """
import structlog
from node.cli.main import configure_logging
configure_logging()
log = structlog.get_logger()
try:
    raise {raised}
except Exception as error:
    log.error("test.failed", exc_info={given})
"""
_FAILS = """
import node.cli.main as main
def fail(): raise ValueError("Marker^Patient")
main.configure_logging()
main.app = fail
main.run()
"""
_REFUSES = """
import os
import node.cli.main as main
from node.errors import NotYetThere
def refuse(): raise NotYetThere("ENV-DATA", "data_dir is away")
os.environ["LUNGNODE_SUPERVISED"] = "1"
main.configure_logging()
main.app = refuse
main.run()
"""
_THREAD = """
import threading
from node.cli.main import configure_logging
configure_logging()
def fail(): raise ValueError("Marker^Patient")
one = threading.Thread(target=fail)
one.start()
one.join()
"""
_LIBRARY = """
import logging
from node.cli.main import configure_logging
configure_logging()
import dbos
try:
    raise ConnectionError("server closed the connection")
except ConnectionError:
    logging.getLogger({name!r}).error("Exception terminating %s", "a connection", exc_info=True)
"""


def logged(code: str) -> tuple[dict, str]:
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120).stderr
    return json.loads(next(line for line in said.splitlines() if line.startswith("{"))), said


def test_an_exception_is_logged_without_its_message() -> None:
    for given in ("True", "error"):
        line, said = logged(_LOGS.format(raised="ValueError('Marker^Patient')", given=given))
        assert (line["error"], line["frames"]) == ("ValueError", ["<string>:7 <module>"])
        assert "Marker" not in said


def test_what_the_system_says_is_logged_and_the_file_is_not() -> None:
    line, said = logged(_LOGS.format(raised="OSError(28, 'Marker^Patient', '/Marker^Patient')", given="error"))
    assert (line["error"], line["system"]) == ("OSError", "No space left on device")
    assert "Marker" not in said


def test_no_exception_is_no_matter() -> None:
    line, _ = logged(_LOGS.format(raised="ValueError", given="False"))
    assert "error" not in line


def test_a_failure_that_nobody_expected_is_logged_without_its_message() -> None:
    line, said = logged(_FAILS)
    assert (line["event"], line["error"]) == ("cli.failed", "ValueError")
    assert "Marker" not in said


def test_a_thread_that_ends_by_an_exception_is_told_in_one_line_without_its_message() -> None:
    line, said = logged(_THREAD)
    assert (line["event"], line["error"], len(said.splitlines())) == ("process.thread_ended", "ValueError", 1)
    assert "Marker" not in said


@pytest.mark.parametrize("name", ["dbos", "sqlalchemy.pool", "psycopg.pool", "uvicorn.error"])
def test_what_a_library_says_is_one_line_of_our_log(name: str) -> None:
    line, said = logged(_LIBRARY.format(name=name))
    assert (line["event"], line["library"], line["error"]) == ("library.said", name, "ConnectionError")
    assert (line["text"], len(said.splitlines())) == ("Exception terminating a connection", 1)


def test_a_process_of_a_node_says_why_it_does_not_start_in_a_line_of_the_log() -> None:
    line, said = logged(_REFUSES)
    assert (line["code"], line["next_step"], len(said.splitlines())) == ("ENV-DATA", "data_dir is away", 1)
