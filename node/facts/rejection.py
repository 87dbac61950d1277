"""A rejection note (IHE IOCM): a Key Object Selection that takes instances back, and why."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset

from node.errors import Code, InputRefused
from node.facts.segmentation import items
from node.facts.series import InstanceFile

KEY_OBJECT_SELECTION = "1.2.840.10008.5.1.4.1.1.88.59"
TITLES = {  # of scheme DCM
    "113001": "rejected for quality reasons",
    "113037": "rejected for patient safety reasons",
    "113038": "incorrect modality worklist entry",
    "113039": "data retention policy expired",
}
_DAMAGED = (RuntimeError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, OSError, EOFError)


@dataclass(frozen=True, slots=True)
class RejectionNote:
    """Which instances are taken back: those of the content tree and of the evidence. `title` is a key of TITLES."""

    sop_instance_uid: str
    study_instance_uid: str
    title: str
    rejected: frozenset[str]

    @property
    def purges(self) -> bool:
        """Whether pixels that are kept of what it names must go: they are wrong or expired, not merely poor."""
        return self.title != "113001"


def read_rejection(path: Path) -> RejectionNote | None:
    """Read a Key Object Selection; None where its title is not one of a rejection.

    Raises
    ------
    InputRefused
        FILE-UNREAD where it cannot be parsed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ds = dcmread(path, stop_before_pixels=True)
            title = next((i for i in items(ds, "ConceptNameCodeSequence")), Dataset())
            value, scheme = str(title.get("CodeValue") or "").strip(), str(title.get("CodingSchemeDesignator") or "")
            if scheme.strip() != "DCM" or value not in TITLES:
                return None
            rejected = frozenset((*_named(ds), *_evidence(ds)))
            return RejectionNote(str(ds.SOPInstanceUID), str(ds.StudyInstanceUID), value, rejected)
    except _DAMAGED as error:
        raise InputRefused(Code.FILE_UNREAD, f"a key object cannot be parsed: {type(error).__name__}") from error


def rejected_by(files: Iterable[InstanceFile]) -> frozenset[str]:
    """Return what the rejection notes among some files name; a key object that cannot be parsed names nothing."""
    rejected: set[str] = set()
    for file in files:
        if file.facts.sop_class_uid == KEY_OBJECT_SELECTION:
            with suppress(InputRefused):
                note = read_rejection(file.path)
                rejected |= set() if note is None else note.rejected
    return frozenset(rejected)


def _named(item: Dataset) -> Iterator[str]:
    """Yield what the content tree refers to, at any depth (the receiver has bounded the nesting)."""
    for reference in items(item, "ReferencedSOPSequence"):
        yield str(reference.ReferencedSOPInstanceUID)
    for child in items(item, "ContentSequence"):
        yield from _named(child)


def _evidence(ds: Dataset) -> Iterator[str]:
    for study in items(ds, "CurrentRequestedProcedureEvidenceSequence"):
        for series in items(study, "ReferencedSeriesSequence"):
            for reference in items(series, "ReferencedSOPSequence"):
                yield str(reference.ReferencedSOPInstanceUID)
