"""The objects beside segmentation and report, each only where a destination asks for it (standards 1.1)."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset

from node.report.case import Prepared, ReportInput
from node.report.encapsulated_pdf import build_encapsulated_pdf
from node.report.key_objects import build_key_objects
from node.report.key_slices import KeySlice, lesion_picture
from node.report.kinds import KEY_OBJECTS, KEY_SLICES, OUTLINES, PDF, RTSTRUCT, SUMMARY, Kind
from node.report.outlines_sr import build_outlines
from node.report.pdf_file import write_pdf
from node.report.pdf_pages import TITLE, pdf_pages, statement
from node.report.rtstruct import build_rtstruct
from node.report.secondary_capture import build_capture
from node.report.seg import name_lossy
from node.report.sheet import footer_text
from node.report.sr_class import class_of
from node.report.summary_picture import summary_picture
from node.settings import Rung


@dataclass(frozen=True, slots=True)
class Built:
    """An object that still has to be stamped and written."""

    kind: Kind
    target: Dataset
    number: int = 1


def build_others(case: ReportInput, prepared: Prepared, rungs: frozenset[Rung]) -> Iterator[Built]:
    """Build what is asked for and has something to show, in the order of series numbers."""
    source, job, masks = prepared.source, prepared.job, prepared.masks
    if Rung.OUTLINES in rungs and prepared.lesions:
        sop_class = class_of(case.objects)
        yield Built(OUTLINES, build_outlines(prepared.lesions, masks, source, job, sop_class))
    if Rung.SUMMARY in rungs or Rung.KEY_SLICES in rungs:
        yield _captured(prepared, summary_picture(case, prepared), SUMMARY, 1)
    if Rung.KEY_SLICES in rungs:
        yield from _key_slices(case, prepared)
    if Rung.PDF in rungs:
        content = write_pdf(pdf_pages(case, prepared), TITLE, footer_text(job), job.local_time, statement())
        yield Built(PDF, build_encapsulated_pdf(content, TITLE, source, job))
    if Rung.RTSTRUCT in rungs and prepared.tracked:
        yield Built(RTSTRUCT, build_rtstruct(prepared.tracked, masks, source, job, case.run.structures))
    slices = sorted({lesion.size.axes.slice_index for lesion in case.lesions if lesion.size is not None})
    if Rung.KEY_OBJECTS in rungs and slices:
        yield Built(KEY_OBJECTS, build_key_objects(slices, source, job))


def _key_slices(case: ReportInput, prepared: Prepared) -> Iterator[Built]:
    """Build one image per lesion that was measured or refused; they follow the summary in its series."""
    by_label = {lesion.label: lesion for lesion in case.lesions}
    shown = [(t, by_label[t.segment.label]) for t in prepared.lesions if t.segment.label in by_label]
    for number, (tracked, lesion) in enumerate(shown, start=2):
        yield _captured(prepared, lesion_picture(case, prepared, tracked, lesion), KEY_SLICES, number)


def _captured(prepared: Prepared, picture: KeySlice, kind: Kind, number: int) -> Built:
    source = prepared.source
    frames = [source.frames[z] for z in picture.slices]
    shown = [(f.sop_class_uid, f.sop_instance_uid, f.frame_number if source.is_multiframe else None) for f in frames]
    target = build_capture(picture.picture, shown, kind, prepared.job, number)
    name_lossy(target, source)
    return Built(kind, target, number)
