"""A folder as destination: whole files under their UIDs, once."""

import errno
from pathlib import Path

import pytest

from node.deliver.confirm import confirm
from node.deliver.folder import place_of, send
from node.deliver.receipt import State
from node.settings import Destination


@pytest.fixture
def there(tmp_path: Path) -> Destination:
    """A folder that is there."""
    (tmp_path / "out").mkdir()
    return Destination(name="out", kind="folder", path=tmp_path / "out")


def test_objects_lie_under_their_uids_and_nothing_else_does(tmp_path: Path, there: Destination, objects) -> None:
    receipts = send(objects, there)
    files = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert sorted(files) == sorted(place_of(o, there) for o in objects)
    assert [r.state for r in receipts] == [State.STORED] * 2


def test_sending_again_is_a_no_op(there: Destination, objects) -> None:
    send(objects, there)
    before = [place_of(o, there).stat().st_ino for o in objects]
    assert [r.status for r in send(objects, there)] == ["present", "present"]
    assert [place_of(o, there).stat().st_ino for o in objects] == before


def test_a_folder_that_cannot_be_written_is_tried_again(tmp_path: Path, objects) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    there = Destination(name="out", kind="folder", path=tmp_path / "out")
    assert [r.state for r in send(objects, there)] == [State.RETRYABLE] * 2


def test_a_folder_that_is_not_there_is_not_made_but_tried_again(tmp_path: Path, objects) -> None:
    there = Destination(name="out", kind="folder", path=tmp_path / "mount" / "results")
    receipts = send(objects, there)
    assert [(r.state, r.status) for r in receipts] == [(State.RETRYABLE, f"errno {errno.ENOENT}")] * 2
    assert "is its file system mounted?" in receipts[0].text
    assert not (tmp_path / "mount").exists()
    (tmp_path / "mount" / "results").mkdir(parents=True)
    assert [r.state for r in send(objects, there)] == [State.STORED] * 2


def test_what_is_there_is_found_and_what_is_cut_short_is_not(there: Destination, objects) -> None:
    send(objects, there)
    place_of(objects[1], there).write_bytes(b"cut")
    assert confirm(objects, there, calling="NODE") == frozenset((objects[0].sop_instance_uid,))
