"""Keeping: new, duplicate, variant; cleaning; the names on disk."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import RLELossless

from node.errors import InputRefused
from node.store.disk import Room, free_bytes, marks, refusal, room_left
from node.store.layout import InstanceUids, current_path, is_uid, numbered_path, uids_of
from node.store.part10 import read_meta
from node.store.spool import Outcome, Spool
from tests.store.conftest import begin, ct_slice, keep


def test_a_new_instance_is_kept_under_its_uids(spool: Spool, tmp_path: Path) -> None:
    ds = ct_slice()
    kept = keep(spool, ds, tmp_path)
    assert kept.outcome is Outcome.NEW
    assert kept.path == tmp_path / "spool/studies/1.2.3.4/1.2.3.4.5" / f"{ds.SOPInstanceUID}.dcm"
    assert dcmread(kept.path) == ds


def test_another_data_folder_in_its_place_is_told_apart_also_where_its_folders_have_the_same_inodes(
    spool: Spool, tmp_path: Path
) -> None:
    spool.must_be_there()
    (tmp_path / "folder.json").unlink()
    Spool(tmp_path)
    with pytest.raises(FileNotFoundError, match="another one is in its place"):
        spool.must_be_there()


def test_the_same_bytes_again_are_a_duplicate_whoever_sends_them(spool: Spool, tmp_path: Path) -> None:
    ds = ct_slice()
    first = keep(spool, ds, tmp_path)
    again = spool.keep(*begin(spool, ds, tmp_path, calling="SOMEBODY_ELSE"))
    assert (again.outcome, again.path) == (Outcome.DUPLICATE, first.path)
    assert read_meta(first.path).calling_ae == "TESTER"


def test_other_bytes_are_a_variant_and_the_first_file_stays(spool: Spool, tmp_path: Path) -> None:
    ds = ct_slice()
    first = keep(spool, ds, tmp_path)
    before = first.path.read_bytes()
    ds.compress(RLELossless, generate_instance_uid=False)
    second = keep(spool, ds, tmp_path)
    assert (second.outcome, first.path.read_bytes()) == (Outcome.VARIANT, before)
    assert second.path.name == f"{ds.SOPInstanceUID}~1.dcm"


@pytest.mark.parametrize("place", ["variants", "quarantine"])
def test_a_variant_that_is_there_already_is_a_duplicate(spool: Spool, tmp_path: Path, place: str) -> None:
    ds = ct_slice()
    keep(spool, ds, tmp_path)
    ds.PatientName = "C^D"
    variant = keep(spool, ds, tmp_path).path
    target = Path(str(variant).replace("/variants/", f"/{place}/"))
    target.parent.mkdir(parents=True, exist_ok=True)
    variant.rename(target)
    again = keep(spool, ds, tmp_path)
    assert (again.outcome, again.path) == (Outcome.DUPLICATE, target)


def test_nothing_is_left_in_the_folder_of_temporary_files(spool: Spool, tmp_path: Path) -> None:
    ds = ct_slice()
    for _ in range(2):
        keep(spool, ds, tmp_path)
    assert list(spool.layout.incoming.iterdir()) == []


def test_a_disk_that_fails_while_flushing_leaves_nothing(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    incoming = begin(spool, ct_slice(), tmp_path)

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "a disk's fault that nobody can provoke")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="provoke"):
        spool.keep(*incoming)
    assert [p for p in (tmp_path / "spool").rglob("*") if p.is_file()] == []


def test_cleaning_removes_what_a_dead_writer_left_and_not_what_a_living_one_writes(
    spool: Spool, tmp_path: Path
) -> None:
    living = begin(spool, ct_slice(), tmp_path)
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom node.store.spool import Spool\n"
        "one = Spool(Path(sys.argv[1])).begin()\nos.write(one.descriptor, b'half')\nos.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert spool.clean() == 1
    assert list(spool.layout.incoming.iterdir()) == [living[0].path]


def test_a_file_that_was_only_just_opened_is_not_cleaned_away(spool: Spool) -> None:
    (spool.layout.incoming / "young.part").touch()
    assert spool.clean() == 0


@pytest.mark.parametrize(
    ("text", "good"),
    [("1.2.840", True), ("0.0", True), ("1.02.3", True), ("1" * 64, True), ("1" * 65, False), ("", False),
     ("..", False), ("1..2", False), (".1", False), ("1.2/3", False), ("1.2\n", False), ("1.2.a", False),
     ("１.2", False)],
)  # fmt: skip
def test_only_digits_and_single_dots_become_a_path(text: str, good: bool) -> None:
    assert is_uid(text) is good


def test_uids_are_read_back_from_their_path(tmp_path: Path) -> None:
    uids = InstanceUids("1.2", "1.3", "1.4")
    assert uids_of(current_path(tmp_path, uids)) == uids_of(numbered_path(tmp_path, uids, 12)) == uids


def test_a_uid_that_is_none_cannot_be_kept() -> None:
    with pytest.raises(ValueError, match="not a UID"):
        InstanceUids("1.2", "..", "1.4")


def test_a_file_without_meta_information_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.dcm"
    path.write_bytes(b"nothing")
    with pytest.raises(InputRefused):
        read_meta(path)


@pytest.mark.parametrize(("free", "room"), [(100, Room.ENOUGH), (99, Room.LITTLE), (50, Room.LITTLE), (49, Room.NONE)])
def test_the_two_marks(free: int, room: Room) -> None:
    gib = 1 << 30
    assert room_left(free * gib, marks(100, 50)) is room


def test_free_bytes_are_those_of_the_file_system(tmp_path: Path) -> None:
    status = os.statvfs(tmp_path)
    assert free_bytes(tmp_path) <= status.f_blocks * status.f_frsize


def test_a_disk_over_its_quota_refuses_though_it_shows_free_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refusal(tmp_path) is None

    def over_quota(_: int) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "fsync", over_quota)
    assert (refusal(tmp_path), free_bytes(tmp_path) > 0) == ("Disk quota exceeded", True)
