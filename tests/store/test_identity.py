"""A data folder has a number of its own, and an older program leaves a newer one's alone."""

import json
import re
from pathlib import Path

import dbos._migration
import pytest

from node.engine.version import STEPS_VERSION
from node.errors import Misconfigured
from node.store.identity import FORMAT, begin_folder, identity


def write(data_dir: Path, text: str) -> None:
    (data_dir / "folder.json").write_text(text)


def test_the_number_of_a_folder_stays(tmp_path: Path) -> None:
    begin_folder(tmp_path)
    first = identity(tmp_path)
    begin_folder(tmp_path)
    assert (identity(tmp_path), len(first)) == (first, 32)


def test_an_older_folder_keeps_its_number_and_gets_our_format(tmp_path: Path) -> None:
    write(tmp_path, '{"id": "abc", "format": 0}')
    begin_folder(tmp_path)
    assert json.loads((tmp_path / "folder.json").read_text()) == {"id": "abc", "format": FORMAT}


def test_a_folder_that_a_newer_program_wrote_is_refused_with_what_to_do_and_left_alone(tmp_path: Path) -> None:
    newer = json.dumps({"id": "abc", "format": FORMAT + 1})
    write(tmp_path, newer)
    with pytest.raises(Misconfigured, match="next: install that version again, or put back the copy") as refused:
        begin_folder(tmp_path)
    assert (refused.value.code, (tmp_path / "folder.json").read_text()) == ("ENV-NEWER", newer)


@pytest.mark.parametrize("text", ["", "[]", '{"id": "abc"}', '{"id": "abc", "format": null}'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    with pytest.raises(Misconfigured, match=re.escape(str(tmp_path / "folder.json"))) as refused:
        begin_folder(tmp_path)
    assert refused.value.code == "ENG-FILE"


def test_whoever_changes_the_steps_or_the_engines_tables_raises_the_format() -> None:
    assert (FORMAT, STEPS_VERSION, len(dbos._migration.sqlite_migrations)) == (1, "2", 125)
