"""Instances that come again: the same, in another syntax, corrected, or as something else."""

from pathlib import Path

import pytest
from pydicom.uid import JPEGLSLossless, RLELossless

from node.harness.send import send
from tests.receive.conftest import Running, ct_slice, data_set_bytes, write


def outcomes(receiver: Running) -> list[object]:
    """What the journal says became of each instance, in order."""
    return [line["outcome"] for line in receiver.journal("kept")]


def give(receiver: Running, *paths: Path) -> None:
    """Send files one after the other; each must be answered 0x0000."""
    report = send(paths, "LUNGNODE", "127.0.0.1", receiver.port, "TESTER")
    assert [one.status for one in report.files] == [0] * len(paths)


def test_the_same_instance_again_is_a_success_and_nothing_new(receiver: Running, tmp_path: Path) -> None:
    path = write(ct_slice(), tmp_path / "a.dcm")
    give(receiver, path)
    give(receiver, path)
    assert (outcomes(receiver), len(receiver.kept()), receiver.kept("variants")) == (["new", "duplicate"], 1, [])


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless], ids=["RLE", "JPEG-LS"])
def test_another_transfer_syntax_is_kept_beside_until_it_is_judged(
    receiver: Running, tmp_path: Path, syntax: str
) -> None:
    ds = ct_slice()
    plain = write(ds, tmp_path / "a.dcm")
    ds.compress(syntax, generate_instance_uid=False)
    compressed = write(ds, tmp_path / "b.dcm")
    give(receiver, plain, compressed)
    assert outcomes(receiver) == ["new", "variant"]
    assert data_set_bytes(receiver.kept("variants")[0]) == data_set_bytes(compressed)


def test_other_pixels_under_the_same_uid_never_overwrite_the_first(receiver: Running, tmp_path: Path) -> None:
    first = ct_slice()
    second = ct_slice(SOPInstanceUID=first.SOPInstanceUID, PixelData=bytes(64 * 32 * 2))
    a, b = write(first, tmp_path / "a.dcm"), write(second, tmp_path / "b.dcm")
    give(receiver, a, b)
    give(receiver, b)
    assert outcomes(receiver) == ["new", "variant", "duplicate"]
    assert data_set_bytes(receiver.kept()[0]) == data_set_bytes(a)
    assert [data_set_bytes(p) for p in receiver.kept("variants")] == [data_set_bytes(b)]


def test_two_different_variants_stand_side_by_side(receiver: Running, tmp_path: Path) -> None:
    first = ct_slice()
    paths = [write(first, tmp_path / "a.dcm")]
    for name in ("b", "c"):
        changed = ct_slice(SOPInstanceUID=first.SOPInstanceUID, PatientName=f"Other^{name}")
        paths.append(write(changed, tmp_path / f"{name}.dcm"))
    give(receiver, *paths)
    assert [p.stem.partition("~")[2] for p in receiver.kept("variants")] == ["1", "2"]


def test_the_same_instance_on_four_associations_at_once_is_kept_once(receiver: Running, tmp_path: Path) -> None:
    ds = ct_slice()
    paths = [write(ds, tmp_path / f"{i}.dcm") for i in range(24)]
    report = send(paths, "LUNGNODE", "127.0.0.1", receiver.port, "TESTER", associations=4)
    assert (len(report.failed), len(receiver.kept()), receiver.kept("variants")) == (0, 1, [])
    assert sorted(map(str, outcomes(receiver))) == ["duplicate"] * 23 + ["new"]
