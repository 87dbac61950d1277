"""What the measurement report and the notice share: observer, language, and the frame of an SR document."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from highdicom.sr import ContentItem
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from node.report import codes, tree
from node.report.equipment import Equipment
from node.report.kinds import Kind
from node.report.request import referenced_requests
from node.report.stamp import Job


@dataclass(frozen=True, slots=True)
class Reference:
    """One instance somewhere in an archive."""

    study_uid: str
    series_uid: str
    sop_class_uid: str
    sop_instance_uid: str


def language() -> ContentItem:
    """TID 1204."""
    return tree.code(tree.HAS_CONCEPT_MOD, codes.LANGUAGE, codes.ENGLISH)


def observer(equipment: Equipment) -> list[ContentItem]:
    """TID 1002 and 1004: the node as device observer."""
    return [
        tree.code(tree.HAS_OBS_CONTEXT, codes.OBSERVER_TYPE, codes.DEVICE),
        tree.uid(tree.HAS_OBS_CONTEXT, codes.DEVICE_OBSERVER_UID, equipment.device_uid),
        tree.text(tree.HAS_OBS_CONTEXT, codes.DEVICE_OBSERVER_NAME, equipment.station_name),
        tree.text(tree.HAS_OBS_CONTEXT, codes.DEVICE_OBSERVER_MANUFACTURER, equipment.manufacturer),
        tree.text(tree.HAS_OBS_CONTEXT, codes.DEVICE_OBSERVER_MODEL, equipment.model_name),
        tree.text(tree.HAS_OBS_CONTEXT, codes.DEVICE_OBSERVER_SERIAL, equipment.serial_number),
    ]


def document(
    kind: Kind,
    sop_class_uid: str,
    root: ContentItem,
    evidence: Iterable[Reference],
    predecessor: Reference | None,
    job: Job,
    other_studies: Iterable[Reference] = (),
) -> Dataset:
    """Return the SR document, but for what `stamp` writes.

    Parameters
    ----------
    evidence, other_studies : what it refers to in its own study and in priors

    Notes
    -----
    Built without highdicom's document classes: they copy the tree twice, and refuse Basic Text.
    """
    target = Dataset()
    target.SOPClassUID = sop_class_uid
    target.SOPInstanceUID = job.instance_uid(kind)
    target.SeriesInstanceUID = job.series_uid(kind)
    target.ReferencedPerformedProcedureStepSequence = DicomSequence()  # Type 2
    target.PerformedProcedureCodeSequence = DicomSequence()  # Type 2
    requests = referenced_requests(job.header)
    if requests:
        target.ReferencedRequestSequence = DicomSequence(requests)
    target.CompletionFlag = "COMPLETE"
    target.PreliminaryFlag = "FINAL"
    target.VerificationFlag = "UNVERIFIED"
    for element in root.elements():
        target[element.tag] = element
    target.CurrentRequestedProcedureEvidenceSequence = DicomSequence(hierarchical(evidence))
    elsewhere = hierarchical(dict.fromkeys(other_studies))
    if elsewhere:
        target.PertinentOtherEvidenceSequence = DicomSequence(elsewhere)
    if predecessor is not None:
        target.PredecessorDocumentsSequence = DicomSequence(hierarchical([predecessor]))
    return target


def hierarchical(references: Iterable[Reference]) -> list[Dataset]:
    """Return the Hierarchical SOP Instance Reference macro (PS3.3 C.17.2.1): study, series, instances."""
    studies: dict[str, dict[str, list[Reference]]] = {}
    for reference in references:
        studies.setdefault(reference.study_uid, {}).setdefault(reference.series_uid, []).append(reference)
    return [_study(uid, series) for uid, series in studies.items()]


def _study(uid: str, series: dict[str, list[Reference]]) -> Dataset:
    item = Dataset()
    item.StudyInstanceUID = uid
    item.ReferencedSeriesSequence = [_series(series_uid, references) for series_uid, references in series.items()]
    return item


def _series(uid: str, references: Sequence[Reference]) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID = uid
    item.ReferencedSOPSequence = [_instance(reference) for reference in references]
    return item


def _instance(reference: Reference) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = reference.sop_class_uid
    item.ReferencedSOPInstanceUID = reference.sop_instance_uid
    return item
