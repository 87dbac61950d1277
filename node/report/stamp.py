"""What every result object carries, whatever its kind (standards 1.2): identity, dates, equipment, private scheme."""

import warnings
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import ExplicitVRLittleEndian

from node.report import codes
from node.report.equipment import Equipment, contributing_equipment, name_equipment
from node.report.kinds import RTSTRUCT, Kind, series_description, series_number
from node.report.patient import copy_patient_and_study, read_text
from node.report.uids import CaseIdentity
from node.segment.contract import ModelIdentity
from node.store.durable import flush_file, move
from node.store.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME


@dataclass(frozen=True, slots=True)
class Job:
    """What all objects of one run share. `header` is that of a source image, `made_at` the job's one clock reading."""

    identity: CaseIdentity
    header: Dataset
    anchor_series_number: int | None
    equipment: Equipment
    models: tuple[ModelIdentity, ...]
    made_at: datetime
    series_number_base: int
    run_label: str = ""
    variant: tuple[str, ...] = ()  # tells apart objects of one kind and run: a notice's reasons

    @property
    def local_time(self) -> datetime:
        """The job's time in the source's offset where it names one (0008,0201), else in the node's."""
        offset = parse_offset(read_text(self.header, "TimezoneOffsetFromUTC"))
        return self.made_at.astimezone(offset)

    def series_uid(self, kind: Kind) -> str:
        """The series of this kind of object: one object, one series, but for key slices."""
        return self.identity.uid(f"{kind.series_of or kind.rung}/series", *self.variant)

    def instance_uid(self, kind: Kind, number: int = 1) -> str:
        """The instance of that series: the one that there is, or one of several by its number."""
        several = () if number == 1 else (str(number),)
        return self.identity.uid(f"{kind.rung}/instance", *self.variant, *several)

    def series_number(self, kind: Kind) -> int:
        """Independent of the order of arrival and of the run."""
        return series_number(kind, self.anchor_series_number, self.series_number_base)


def stamp(target: Dataset, job: Job, kind: Kind, number: int = 1) -> tuple[str, ...]:
    """Write what every object carries, over what a library wrote; return what copying cut or left out."""
    notes = copy_patient_and_study(target, job.header)
    date, time = job.local_time.strftime("%Y%m%d"), job.local_time.strftime("%H%M%S.%f")
    for name in ("Series", "InstanceCreation", *(() if kind is RTSTRUCT else ("Content",))):
        setattr(target, f"{name}Date", date)
        setattr(target, f"{name}Time", time)
    target.Modality = kind.modality
    target.SeriesNumber = job.series_number(kind)
    target.SeriesDescription = series_description(kind, job.run_label)
    target.InstanceNumber = number
    name_equipment(target, job.equipment)
    target.ContributingEquipmentSequence = DicomSequence(
        contributing_equipment(job.header, job.equipment, job.models, job.local_time)
    )
    if uses_private_scheme(target):
        target.CodingSchemeIdentificationSequence = DicomSequence(
            [codes.scheme_identification(job.equipment.manufacturer)]
        )
    return notes


def uses_private_scheme(dataset: Dataset) -> bool:
    """Say whether a code of our scheme stands anywhere in it."""
    pending = [dataset]
    while pending:
        item = pending.pop()
        if item.get("CodingSchemeDesignator") == codes.SCHEME:
            return True
        for element in item.elements():
            if element.VR == "SQ" and not element.is_raw:
                pending.extend(element.value)
    return False


def write(target: Dataset, path: Path) -> None:
    """Write an object as a Part 10 file, explicit little endian, under a temporary name first."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = target.SOPClassUID
    meta.MediaStorageSOPInstanceUID = target.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    plain = Dataset()
    for element in target.elements():
        if element.tag.group != 2:
            plain[element.tag] = element
    plain.file_meta = meta
    plain.preamble = b"\0" * 128
    unfinished = path.with_suffix(".part")
    with warnings.catch_warnings():  # pydicom warns of every character set that it does not know; we keep its bytes
        warnings.simplefilter("ignore")
        # elements that were encoded or copied as bytes are written as they are, not decoded and encoded once more
        plain.set_original_encoding(False, True, convert_encodings(plain.get("SpecificCharacterSet")))
        plain.save_as(unfinished, enforce_file_format=True)
    flush_file(unfinished)  # the outbox, which is flushed, will vouch for its bytes
    move(unfinished, path)


def parse_offset(text: str) -> timezone | None:
    """Return the offset that `&ZZXX` text names, None where it names none."""
    digits = text[1:].strip()
    if len(digits) != 4 or text[:1] not in "+-" or not digits.isdigit():
        return None
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
