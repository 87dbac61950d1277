"""Judging variants: every ending, and that nothing is ever lost."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import JPEGLSLossless, RLELossless

from node.errors import InputRefused
from node.facts.instance import InstanceFacts
from node.facts.read import Unread, read_facts
from node.store.layout import Layout
from node.store.settle import Judgement, Settled, settle, settle_pair, waiting
from node.store.spool import Outcome, Spool
from tests.store.conftest import ct_slice, keep, pixel_digest


def facts(path: Path) -> InstanceFacts:
    """Read a header, as the wiring of the engine does."""
    found = read_facts(path)
    if isinstance(found, Unread):
        raise InputRefused(found.code, found.text)
    return found


def n_superseded(layout: Layout, sop_uid: str) -> int:
    """Count the former files of an instance."""
    return sum(1 for _ in layout.superseded.glob(f"*/*/{sop_uid}~*"))


@pytest.fixture
def judge(spool: Spool, tmp_path: Path) -> Callable[..., Settled]:
    """Keep one instance, then a changed one under the same UID, and judge it."""

    def run(change: Callable[[object], None], **first: object) -> Settled:
        ds = ct_slice(**first)
        keep(spool, ds, tmp_path)
        change(ds)
        kept = keep(spool, ds, tmp_path)
        assert kept.outcome is Outcome.VARIANT
        return settle(spool.layout, kept.path, pixel_digest, facts)

    return run


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless], ids=["RLE", "JPEG-LS"])
def test_the_same_pixels_in_another_transfer_syntax_are_dropped(
    judge: Callable[..., Settled], spool: Spool, syntax: str
) -> None:
    settled = judge(lambda ds: ds.compress(syntax, generate_instance_uid=False))
    assert (settled.judgement, settled.other, waiting(spool.layout)) == (Judgement.DUPLICATE, None, ())
    assert settled.current.exists()


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("PatientID", "P2"), ("PatientName", "C^D"), ("PatientBirthDate", "19510101"), ("PatientSex", "M"),
     ("AccessionNumber", "A2"), ("StudyDate", "20200102")],
)  # fmt: skip
def test_a_corrected_identity_becomes_current_and_the_former_file_is_kept(
    judge: Callable[..., Settled], spool: Spool, keyword: str, value: str
) -> None:
    settled = judge(lambda ds: setattr(ds, keyword, value))
    assert settled.judgement is Judgement.CHANGED
    assert str(dcmread(settled.current)[keyword].value) == value
    assert str(dcmread(settled.other)[keyword].value) != value
    assert n_superseded(spool.layout, settled.uids.sop) == 1


def test_each_further_correction_keeps_the_former_file_also_back_to_the_first(spool: Spool, tmp_path: Path) -> None:
    ds = ct_slice()
    for number, name in enumerate(["A^B", "C^D", "A^B"]):
        ds.PatientName = name
        kept = keep(spool, ds, tmp_path)
        if kept.outcome is Outcome.VARIANT:
            settle(spool.layout, kept.path, pixel_digest, facts)
        assert n_superseded(spool.layout, ds.SOPInstanceUID) == number


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda ds: setattr(ds, "PixelData", bytes(128)), id="other pixels"),
        pytest.param(lambda ds: setattr(ds, "ImagePositionPatient", [0, 0, 5]), id="another position"),
        pytest.param(lambda ds: delattr(ds, "PixelData"), id="pixels that cannot be read"),
    ],
)
def test_something_else_under_the_same_uid_goes_to_quarantine(
    judge: Callable[..., Settled], change: Callable[[object], None]
) -> None:
    settled = judge(change)
    assert settled.judgement is Judgement.DIFFERENT
    assert (settled.current.exists(), settled.other.exists()) == (True, True)
    assert "/quarantine/" in str(settled.other)


def test_a_corrected_study_uid_moves_the_instance_and_keeps_the_former_file(spool: Spool, tmp_path: Path) -> None:
    ds = ct_slice()
    first = keep(spool, ds, tmp_path).path
    ds.StudyInstanceUID = "1.2.3.9"
    second = keep(spool, ds, tmp_path).path
    settled = settle_pair(spool.layout, first, second, pixel_digest, facts)
    assert (settled.judgement, settled.current, first.exists()) == (Judgement.CHANGED, second, False)
    assert dcmread(settled.other).StudyInstanceUID == "1.2.3.4"


def test_a_judgement_that_was_cut_short_ends_the_same_when_it_is_repeated(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ds = ct_slice()
    first = keep(spool, ds, tmp_path).path
    ds.PatientName = "C^D"
    variant = keep(spool, ds, tmp_path).path

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("node.store.settle.move", cut)
        with pytest.raises(KeyboardInterrupt):
            settle(spool.layout, variant, pixel_digest, facts)
    settled = settle(spool.layout, variant, pixel_digest, facts)
    assert (settled.judgement, settled.current) == (Judgement.CHANGED, first)
    assert n_superseded(spool.layout, ds.SOPInstanceUID) == 1


def test_a_variant_whose_first_file_is_gone_becomes_current(spool: Spool, tmp_path: Path) -> None:
    ds = ct_slice()
    first = keep(spool, ds, tmp_path).path
    ds.PatientName = "C^D"
    variant = keep(spool, ds, tmp_path).path
    first.unlink()
    assert settle(spool.layout, variant, pixel_digest, facts).current == first
    assert first.exists()
