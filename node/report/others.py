"""The objects beside segmentation and report, each only where a destination asks for it (standards 1.1)."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset

from node.report.case import Prepared, ReportInput
from node.report.key_objects import build_key_objects
from node.report.kinds import KEY_OBJECTS, OUTLINES, RTSTRUCT, Kind
from node.report.outlines_sr import build_outlines
from node.report.rtstruct import build_rtstruct
from node.report.sr_class import class_of
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
        sop_class = case.sr_class or class_of(case.objects)
        yield Built(OUTLINES, build_outlines(prepared.lesions, masks, source, job, sop_class))
    if Rung.RTSTRUCT in rungs and prepared.tracked:
        yield Built(RTSTRUCT, build_rtstruct(prepared.tracked, masks, source, job, case.predecessor_structures))
    slices = sorted({lesion.size.axes.slice_index for lesion in case.lesions if lesion.size is not None})
    if Rung.KEY_OBJECTS in rungs and slices:
        yield Built(KEY_OBJECTS, build_key_objects(slices, source, job))
