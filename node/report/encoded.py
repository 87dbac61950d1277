"""A finished result file: written once under its derived UID; a retry sends its bytes again."""

from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from node.report.document import Reference
from node.report.kinds import Kind
from node.report.stamp import Job, stamp, write


@dataclass(frozen=True, slots=True)
class EncodedObject:
    """One file that is ready to be sent.

    `notes` say what copying from the source cut or left out; `gathers` are, of a report, the kinds of the other
    objects that its evidence lists (`share.py`).
    """

    kind: str  # a value of settings.Rung
    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    series_number: int
    study_instance_uid: str
    notes: tuple[str, ...] = ()
    gathers: tuple[str, ...] = ()

    @property
    def reference(self) -> Reference:
        """What another object names it by, as a predecessor for instance."""
        return Reference(self.study_instance_uid, self.series_instance_uid, self.sop_class_uid, self.sop_instance_uid)


def finish(target: Dataset, kind: Kind, job: Job, out_dir: Path, number: int = 1) -> EncodedObject:
    """Stamp an object, write it, and say what it is; `number` is its Instance Number."""
    notes = stamp(target, job, kind, number)
    path = out_dir / f"{kind.rung}-{target.SOPInstanceUID}.dcm"
    write(target, path)
    return EncodedObject(
        kind=kind.rung.value,
        path=path,
        sop_class_uid=str(target.SOPClassUID),
        sop_instance_uid=str(target.SOPInstanceUID),
        series_instance_uid=str(target.SeriesInstanceUID),
        series_number=job.series_number(kind),
        study_instance_uid=str(target.StudyInstanceUID),
        notes=notes,
    )
