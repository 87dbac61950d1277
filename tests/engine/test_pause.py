"""The pause switch, also where somebody else than the node's user turned it."""

import os
import stat
from pathlib import Path

import pytest

from node.engine.announced import ask, asked
from node.engine.clock import local_time
from node.engine.files import write_json
from node.engine.pause import current_pause, pause, paused_because, resume

NOBODY = 65534


def test_a_pause_is_told_with_its_reason_and_its_time_until_the_node_goes_on(tmp_path: Path) -> None:
    pause(tmp_path, "upgrade")
    found = current_pause(tmp_path)
    assert found is not None
    assert found.since is not None
    assert paused_because(tmp_path) == f"upgrade (since {local_time(found.since.timestamp())})"
    resume(tmp_path)
    assert current_pause(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"why": "x", "since": "yesterday"}'])
def test_a_switch_that_cannot_be_understood_means_a_pause(tmp_path: Path, content: str) -> None:
    (tmp_path / "paused.json").write_text(content)
    assert "paused.json cannot be read" in str(paused_because(tmp_path))


def test_a_switch_that_cannot_be_opened_means_a_pause(tmp_path: Path, monkeypatch) -> None:
    pause(tmp_path, "upgrade")

    def denied(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", "paused.json")

    monkeypatch.setattr(Path, "read_bytes", denied)
    assert "(PermissionError)" in str(paused_because(tmp_path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_what_root_writes_belongs_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    os.chown(tmp_path, NOBODY, NOBODY)
    umask = os.umask(0o077)
    try:
        pause(tmp_path, "upgrade")
        ask(tmp_path, "1.2.3")
    finally:
        os.umask(umask)
    for name, mode in (("paused.json", 0o640), ("asked", 0o750), ("asked/1.2.3.json", 0o640)):
        found = (tmp_path / name).stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (NOBODY, NOBODY, mode)
    assert len(asked(tmp_path)) == 1


def test_what_the_node_writes_keeps_the_rights_of_its_umask(tmp_path: Path) -> None:
    umask = os.umask(0o077)
    try:
        write_json(tmp_path / "in" / "one.json", 1)
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "in" / "one.json").stat().st_mode) == 0o600
