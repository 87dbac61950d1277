"""A rejection note stops what it rejects, whatever came first, and is remembered."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom
import pytest
from highdicom.sr.coding import CodedConcept
from pydicom import dcmread
from pydicom.uid import generate_uid

from node.engine.again import again
from node.engine.case_file import CaseFile
from node.engine.correction_file import CorrectionFile, one_correction, write_correction
from node.engine.delivery_file import Delivery, Stage, read_delivery, write_delivery
from node.engine.folder import Asked, analyse_folder
from node.engine.job_state import Job
from node.engine.jobs import job, replay, retry
from node.engine.outbox import KeptObject, digest_of, publish
from node.engine.outcome import Verdict
from node.engine.stopped import Stopped, stop, why_stopped
from node.errors import InputRefused
from node.review.compare import Comparison
from node.settings import Settings
from tests.engine.test_intake import PATIENT, Site, make_site, slices, uids

__all__ = ["make_site", "slices"]

QUALITY, SAFETY, WORKLIST, EXPIRED = "113001", "113037", "113038", "113039"
OF_INTEREST = "113000"


def note(files: list[Path], title: str, out: Path, *, patient_of: Path | None = None) -> Path:
    """A Key Object Selection with a title of scheme DCM that names these files."""
    named = [dcmread(path) for path in files]
    made = highdicom.ko.KeyObjectSelectionDocument(
        named,
        highdicom.ko.KeyObjectSelection(CodedConcept(title, "DCM", "Rejected"), named),
        generate_uid(), 77, generate_uid(), 1, "PACS Works",
    )  # fmt: skip
    made.save_as(out)
    return out


def codes(site: Site, files: list[Path]) -> list[Any]:
    return [d.fields.get("code") for d in site.intake.ledger.decisions(uids(files)[0])]


def begun(make_site, slices) -> tuple[Site, list[Path]]:
    site, files = make_site(), slices()
    site.receive(files)
    site.intake.tick()
    assert len(site.cases) == 1
    return site, files


def again_of(site: Site, found: Job) -> CaseFile:
    return again(site.settings, site.engine, found, lambda draft: replace(draft, workflow_id=f"again{draft.run}"))


@pytest.mark.parametrize("title", [QUALITY, SAFETY, WORKLIST, EXPIRED])
def test_a_rejected_image_stops_the_case_and_no_other_begins(make_site, slices, tmp_path: Path, title: str) -> None:
    site, files = begun(make_site, slices)
    write_delivery(site.folder(site.cases[0]), Delivery("pacs"))
    site.receive([note(files[3:4], title, tmp_path / "note.dcm")], "a2")
    site.intake.tick()
    word, why = why_stopped(site.folder(site.cases[0]))
    assert (word, why[:11]) == (Stopped.REJECTED, "ID-REJECTED")
    assert read_delivery(site.folder(site.cases[0]), "pacs").stage is Stage.CANCELLED
    assert site.queued() == []
    assert "ID-REJECTED" in codes(site, files)
    with pytest.raises(InputRefused) as refused:
        again_of(site, job(site.settings, site.engine, site.cases[0].workflow_id))
    assert refused.value.code == "JOB-REJECTED"
    site.receive(files[3:4], "a3")  # it comes again: it stays rejected, after a restart too
    site.intake.tick()
    make_site().intake.tick()
    assert len(site.cases) == 1


@pytest.mark.parametrize(("title", "n_left"), [(QUALITY, 12), (SAFETY, 10), (WORKLIST, 10), (EXPIRED, 10)])
def test_pixels_are_purged_unless_they_are_merely_poor(
    make_site, slices, tmp_path: Path, title: str, n_left: int
) -> None:
    site, files = begun(make_site, slices)
    site.receive([note(files[3:5], title, tmp_path / "note.dcm")], "a2")
    site.intake.tick()
    study, series = uids(files)
    assert len(list((site.spool.layout.studies / study / series).glob("*.dcm"))) == n_left
    assert sum(series in path.parts for path in site.intake.index.files(study)) == n_left
    make_site().intake.tick()  # what is left of a purged series is not taken for the whole
    assert len(site.cases) == 1


def test_a_note_that_comes_first_keeps_the_series_from_being_analysed(make_site, slices, tmp_path: Path) -> None:
    site, files = make_site(PATIENT), slices()
    site.receive([note(files[:1], QUALITY, tmp_path / "note.dcm")])
    site.intake.tick()
    site.receive(files, "a2")
    site.intake.tick()
    assert site.cases == ()
    assert not (site.settings.data_dir / "engine" / "waiting.json").exists() or site.waiting() == []
    assert "ID-REJECTED" in codes(site, files)


def test_a_rejected_result_is_recorded_and_never_delivered_again(make_site, slices, tmp_path: Path) -> None:
    site, files = begun(make_site, slices)
    case = site.cases[0]
    result = dcmread(files[0])  # stands for an object of ours in the archive
    result.SOPInstanceUID = generate_uid()
    result.file_meta.MediaStorageSOPInstanceUID = result.SOPInstanceUID
    result.save_as(tmp_path / "result.dcm")
    path = site.folder(case) / "SR.dcm"
    path.write_bytes(b"as it was sent")
    publish(site.folder(case), [KeptObject("SR", "SR.dcm", digest_of(path), "1.2", result.SOPInstanceUID, "1.3", 1)])
    write_delivery(site.folder(case), Delivery("pacs", attempts=1, stage=Stage.DEAD))
    site.receive([note([tmp_path / "result.dcm"], QUALITY, tmp_path / "note.dcm")], "a2")
    site.intake.tick()
    word, why = why_stopped(site.folder(case))
    assert word is Stopped.REJECTED
    assert "its results were rejected for quality reasons" in why
    found = job(site.settings, site.engine, case.workflow_id)
    assert found.state == "rejected"
    for order in (retry, lambda *a: replay(*a, None)):
        with pytest.raises(InputRefused) as refused:
            order(site.settings, site.engine, found)
        assert refused.value.code == "JOB-REJECTED"
    further = again_of(site, found)  # the images are well: what was wrong may be made again
    assert (further.run, further.predecessor, further.ordinal) == (2, case.workflow_id, 2)
    assert site.queued() == [further.workflow_id]
    assert len(list((site.spool.layout.studies / uids(files)[0] / uids(files)[1]).glob("*.dcm"))) == 12


def test_an_ordinary_key_object_is_ignored(make_site, slices, tmp_path: Path) -> None:
    site, files = begun(make_site, slices)
    site.receive([note(files[:2], OF_INTEREST, tmp_path / "note.dcm")], "a2")
    site.intake.tick()
    assert why_stopped(site.folder(site.cases[0])) is None
    assert "ID-REJECTED" not in codes(site, files)


def test_a_note_whose_title_is_of_another_scheme_is_ignored(make_site, slices, tmp_path: Path) -> None:
    site, files = begun(make_site, slices)
    path = note(files[:2], QUALITY, tmp_path / "note.dcm")
    ds = dcmread(path)
    ds.ConceptNameCodeSequence[0].CodingSchemeDesignator = "99OTHER"
    ds.save_as(path)
    site.receive([path], "a2")
    site.intake.tick()
    assert why_stopped(site.folder(site.cases[0])) is None


def test_a_case_that_was_rejected_while_it_was_sent_is_not_tried_again(bench, out: Path) -> None:
    """The guard of the durable step itself: the note may come between two attempts."""
    workflow_id = bench.new_case(analyse="wait")
    bench.start_worker()
    bench.submit(workflow_id)
    bench.eventually(lambda: bench.steps(workflow_id) == ["analyse"])
    (bench.folder(workflow_id) / "stopped.json").write_text('{"word": "rejected", "why": "a note", "at_s": 0}')
    (bench.folder(workflow_id) / "analyse.go").touch()
    bench.eventually(lambda: read_delivery(bench.folder(workflow_id), "here").stage is Stage.CANCELLED)
    assert not out.exists() or list(out.rglob("*.dcm")) == []


def test_a_rejected_correction_counts_no_more(make_site, slices, tmp_path: Path) -> None:
    site, files = begun(make_site, slices)
    seg = dcmread(files[0])
    seg.SOPInstanceUID = generate_uid()
    seg.file_meta.MediaStorageSOPInstanceUID = seg.SOPInstanceUID
    seg.save_as(tmp_path / "seg.dcm")
    compared = Comparison((), (), lungs_judged=False, lesions_judged=False)
    write_correction(
        site.settings.data_dir,
        CorrectionFile(str(seg.SOPInstanceUID), "1.2", "1.3", uids(files)[0], uids(files)[1], "w", "", "", "", 0.0, "",
                       (), compared),
    )  # fmt: skip
    site.receive([note([tmp_path / "seg.dcm"], QUALITY, tmp_path / "note.dcm")], "a2")
    site.intake.tick()
    assert not one_correction(site.settings.data_dir, str(seg.SOPInstanceUID)).is_used
    assert why_stopped(site.folder(site.cases[0])) is None


def test_a_folder_with_a_rejection_note_is_refused_with_its_code(slices, tmp_path: Path) -> None:
    files = slices("folder")
    note(files[:1], SAFETY, tmp_path / "folder" / "note.dcm")
    outcome = analyse_folder(tmp_path / "folder", tmp_path / "out", Settings(), Asked(), lambda _: None)
    assert (outcome.verdict, [r.code for r in outcome.reasons]) == (Verdict.REFUSED, ["ID-REJECTED"])
    assert not (tmp_path / "out").exists()


def test_a_rejected_case_stays_rejected_when_a_newer_run_takes_its_place(make_site, slices, tmp_path: Path) -> None:
    site, _ = begun(make_site, slices)
    folder = site.folder(site.cases[0])
    stop(site.settings.data_dir, site.engine, site.cases[0].workflow_id, Stopped.REJECTED, "withdrawn by hand")
    again_of(site, job(site.settings, site.engine, site.cases[0].workflow_id))
    assert why_stopped(folder) == (Stopped.REJECTED, "withdrawn by hand")
