"""The folders of a node: made at its start, never anew under it."""

from pathlib import Path

import pytest

from node.errors import NotYetThere
from node.settings_snapshot import SUPERVISED
from node.store.layout import Layout


def test_a_process_of_a_node_makes_no_data_folder_in_the_place_of_one_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SUPERVISED, "1")
    with pytest.raises(NotYetThere) as caught:
        Layout(tmp_path).create()
    assert (caught.value.code, list(tmp_path.iterdir())) == ("ENV-DATA", [])


def test_a_process_of_a_node_makes_what_is_missing_in_one_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Layout(tmp_path).create()
    Layout(tmp_path).results.rmdir()
    monkeypatch.setenv(SUPERVISED, "1")
    Layout(tmp_path).create()
    assert Layout(tmp_path).results.is_dir()
