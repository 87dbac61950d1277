"""What is done is read once, and again as soon as anything of it is another; what is open is read each time."""

from pathlib import Path

import pytest

from node.engine import job_book
from node.engine.case_catalogue import CaseCatalogue
from node.engine.case_file import CaseFile, SourceSeries, result_folder, write_case
from node.engine.delivery_file import Delivery, Stage, delivery_path, write_delivery
from node.engine.files import write_json
from node.engine.job_book import JobBook
from node.engine.stopped import Stopped, mark_stopped
from node.store.durable import make_folder

NOTHING: frozenset[str] = frozenset()


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """Return the workflow ids of the cases that were read, as they are read."""
    ids: list[str] = []
    real = job_book.job_of

    def job_of(data_dir, case, *rest):
        ids.append(case.workflow_id)
        return real(data_dir, case, *rest)

    monkeypatch.setattr(job_book, "job_of", job_of)
    return ids


def put(data_dir: Path, workflow_id: str, *, done: bool = True) -> Path:
    series = SourceSeries("1.3", (("1.3.1", "a.dcm"),))
    write_case(data_dir, CaseFile(workflow_id, "1.2", "r", series, (), "l", None, "normal", None, ()))
    folder = result_folder(data_dir, workflow_id)
    make_folder(delivery_path(folder, "pacs").parent)
    write_delivery(folder, Delivery("pacs", stage=Stage.SAFE))
    write_json(folder / "result.json", {"outcome": "segmented", "reasons": []})
    if done:
        write_json(folder / "safe.json", {"at_s": 0.0})
    return folder


def test_a_case_that_is_done_is_read_once_and_an_open_one_each_time(tmp_path, read) -> None:
    put(tmp_path, "a")
    put(tmp_path, "b", done=False)
    book = JobBook(CaseCatalogue(tmp_path))

    first, second = (book.jobs({}, NOTHING) for _ in range(2))

    assert sorted(read) == ["a", "b", "b"]
    assert first == second
    assert {one.case.workflow_id: one.state for one in first} == {"a": "done", "b": "not queued"}


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda folder: mark_stopped(folder, Stopped.REJECTED, "a note"), "rejected"),
        (lambda folder: (folder / "safe.json").unlink(), "not queued"),
        (lambda folder: write_delivery(folder, Delivery("pacs", stage=Stage.DEAD, why="refused")), "done"),
        (lambda folder: (folder / "result.json").write_text("{"), "damaged"),
    ],
    ids=["stopped", "begun again", "delivery", "damaged in its place"],
)
def test_what_became_of_a_case_that_was_done_is_seen(tmp_path, change, state: str) -> None:
    folder = put(tmp_path, "a")
    book = JobBook(CaseCatalogue(tmp_path))
    (before,) = book.jobs({}, NOTHING)

    change(folder)
    (after,) = book.jobs({}, NOTHING)

    assert before.state == "done"
    assert after == JobBook(CaseCatalogue(tmp_path)).jobs({}, NOTHING)[0]
    assert after.state == state
    assert after != before


def test_what_arrived_twice_afterwards_is_seen(tmp_path) -> None:
    put(tmp_path, "a")
    book = JobBook(CaseCatalogue(tmp_path))
    book.jobs({}, NOTHING)

    (after,) = book.jobs({}, frozenset({"1.3.1"}))

    assert after.arrived_twice == ("1.3.1",)


def test_a_case_that_was_removed_is_forgotten(tmp_path) -> None:
    folder = put(tmp_path, "a")
    book = JobBook(CaseCatalogue(tmp_path))
    book.jobs({}, NOTHING)

    for file in sorted(folder.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    folder.rmdir()

    assert book.jobs({}, NOTHING) == ()
    assert not book._done
