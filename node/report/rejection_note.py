"""A rejection note about objects of our own (IHE IOCM, TID 2010): by an operator's order alone, never for images."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from highdicom.sr import CompositeContentItem, ContentItem, ImageContentItem
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.coding import Code

from node.errors import OurMistake
from node.facts.header import source_dataset
from node.report import codes, tree
from node.report.document import Reference, hierarchical, language, observer
from node.report.encode import verbatim
from node.report.encoded import EncodedObject, finish
from node.report.equipment import Equipment
from node.report.kinds import Kind
from node.report.stamp import Job
from node.report.uids import (
    KEY_OBJECT_SELECTION,
    LABEL_MAP_SEGMENTATION,
    SECONDARY_CAPTURE,
    SEGMENTATION,
    CaseIdentity,
)
from node.route.case import MODEL_NAME
from node.settings import Objects, Rung

NOTE = Kind(Rung.KEY_OBJECTS, "KO", 7, "lungnode rejection note")
_IMAGES = (SEGMENTATION, LABEL_MAP_SEGMENTATION, SECONDARY_CAPTURE)


@dataclass(frozen=True, slots=True)
class NoteInput:
    """What a note is made from. `header_file` is a source image, or one of our objects where none is kept any more."""

    identity: CaseIdentity
    header_file: Path
    rejected: tuple[Reference, ...]
    reason: Code
    objects: Objects
    now: datetime


def encode_rejection_note(note: NoteInput, out_dir: Path) -> EncodedObject:
    """Write the note.

    Raises
    ------
    OurMistake
        NO-REASON where it would reject nothing.
    """
    if not note.rejected:
        raise OurMistake("NO-REASON", "a rejection note without anything to reject")
    header = source_dataset(note.header_file)
    number = header.get("SeriesNumber")
    if header.get("ManufacturerModelName") == MODEL_NAME:  # an object of ours: its equipment is no scanner
        number = None if number is None else (int(number) - note.objects.series_number_base) // 10
        header.Manufacturer = ""
    job = Job(
        identity=note.identity,
        header=header,
        anchor_series_number=None if number is None else int(number),
        equipment=Equipment(
            note.objects.manufacturer,
            note.objects.station_name,
            note.objects.device_serial_number,
            note.identity.device_uid,
        ),
        models=(),
        made_at=note.now,
        series_number_base=note.objects.series_number_base,
        variant=("rejection",),
    )
    with verbatim():
        return finish(_document(note, job), NOTE, job, out_dir)


def _document(note: NoteInput, job: Job) -> Dataset:
    root = tree.container(
        codes.REJECTED_FOR_QUALITY,
        [
            language(),
            tree.code(tree.HAS_CONCEPT_MOD, codes.TITLE_MODIFIER, note.reason),
            *observer(job.equipment),
            *(_reference(one) for one in note.rejected),
        ],
        relationship=None,
        template="2010",
    )
    target = Dataset()
    target.SOPClassUID, target.SOPInstanceUID = KEY_OBJECT_SELECTION, job.instance_uid(NOTE)
    target.SeriesInstanceUID = job.series_uid(NOTE)
    target.ReferencedPerformedProcedureStepSequence = DicomSequence()  # Type 2
    for element in root.elements():
        target[element.tag] = element
    target.CurrentRequestedProcedureEvidenceSequence = DicomSequence(hierarchical(note.rejected))
    return target


def _reference(one: Reference) -> ContentItem:
    kind = ImageContentItem if one.sop_class_uid in _IMAGES else CompositeContentItem
    return kind(codes.SOURCE, one.sop_class_uid, one.sop_instance_uid, relationship_type=tree.CONTAINS)
