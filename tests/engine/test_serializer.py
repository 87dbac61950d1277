"""The engine's database holds JSON, and a pickle in it is never read."""

import base64
import pickle
import re
import sqlite3
from pathlib import Path

import pytest
from dbos._serialization import deserialize_exception, deserialize_value

from node.engine import jobs
from node.engine.serializer import JsonSerializer, forbid_pickles
from node.errors import InputRefused, OurMistake

PICKLED = re.compile(r"gA[QRSTUVW]")  # base64 of a pickle of protocol 4 or 5 begins so


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "ü", [1, [2]], {"a": {"b": None}}])
def test_json_survives(value: object) -> None:
    serializer = JsonSerializer()
    assert serializer.deserialize(serializer.serialize(value)) == value


@pytest.mark.parametrize("value", [Path("x"), {1, 2}, object(), b"bytes"])
def test_anything_else_is_our_mistake(value: object) -> None:
    with pytest.raises(TypeError):
        JsonSerializer().serialize(value)


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        JsonSerializer().serialize(float("nan"))


def test_a_coded_error_survives() -> None:
    serializer = JsonSerializer()
    error = serializer.deserialize(serializer.serialize(InputRefused("GEO-GAP", "two slices are missing", n=2)))
    assert isinstance(error, InputRefused)
    assert (error.code, error.message, error.context) == ("GEO-GAP", "two slices are missing", {"n": 2})


def test_the_message_of_a_foreign_error_is_not_kept() -> None:
    assert "Marker" not in JsonSerializer().serialize(ValueError("Marker^Patient"))


class Evil:
    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("/tmp/lungnode-pickle-was-read"),))


@pytest.mark.parametrize("read", [deserialize_value, deserialize_exception])
def test_a_row_that_says_it_is_a_pickle_is_not_read(read) -> None:
    forbid_pickles()
    text = base64.b64encode(pickle.dumps(Evil())).decode()
    assert PICKLED.match(text)
    with pytest.raises(OurMistake) as refused:
        read(text, "py_pickle", JsonSerializer())
    assert refused.value.code == "ENG-PICKLE"
    assert not Path("/tmp/lungnode-pickle-was-read").exists()


def test_a_whole_run_leaves_nothing_but_json_in_the_database(bench) -> None:
    case = bench.new_case()
    bench.start_worker()
    bench.submit(case)
    bench.eventually(lambda: bench.is_safe(case))
    bench.eventually(lambda: finished(bench))
    connection = sqlite3.connect(bench.data_dir / "engine.sqlite")
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = [row for table in tables for row in connection.execute(f"SELECT * FROM {table}")]
    named = {s for t in ("workflow_status", "operation_outputs") for (s,) in connection.execute(
        f"SELECT DISTINCT serialization FROM {t}")}  # fmt: skip
    connection.close()
    texts = [value for row in rows for value in row if isinstance(value, str)]
    assert named - {None} == {"lungnode_json"}  # None: no value
    assert any(case in text and text.startswith("{") for text in texts)  # inputs are there, and are JSON
    assert not any(PICKLED.match(text) for text in texts)
    assert not any(isinstance(value, bytes) for row in rows for value in row)


def finished(bench) -> bool:
    with jobs.opened(bench.settings) as engine:
        return all(w.status == "SUCCESS" for w in engine.list_workflows())
