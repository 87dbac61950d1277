"""A Key Object Selection of the slices that hold the long axes (PS3.3 A.35.4, TID 2010)."""

from collections.abc import Sequence

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from node.report import codes, tree, wording
from node.report.document import Reference, hierarchical, language, observer
from node.report.kinds import KEY_OBJECTS
from node.report.source import Source
from node.report.stamp import Job
from node.report.uids import KEY_OBJECT_SELECTION


def build_key_objects(slices: Sequence[int], source: Source, job: Job) -> Dataset:
    """Build the object, but for what `stamp` writes; the evidence lists exactly the images that it names."""
    root = tree.container(
        codes.OF_INTEREST,
        [
            language(),
            *observer(job.equipment),
            tree.text(
                tree.CONTAINS,
                codes.KEY_OBJECT_DESCRIPTION,
                f"Slices with the long axes of segmented lesions. {wording.NOT_FOR_DIAGNOSIS}",
            ),
            *tree.images(codes.SOURCE, source, slices),
        ],
        relationship=None,
        template="2010",
    )
    target = Dataset()
    target.SOPClassUID, target.SOPInstanceUID = KEY_OBJECT_SELECTION, job.instance_uid(KEY_OBJECTS)
    target.SeriesInstanceUID = job.series_uid(KEY_OBJECTS)
    target.ReferencedPerformedProcedureStepSequence = DicomSequence()  # Type 2
    for element in root.elements():
        target[element.tag] = element
    named = dict.fromkeys((source.frames[z].sop_class_uid, source.frames[z].sop_instance_uid) for z in slices)
    study, series = source.first.study_instance_uid, source.first.series_instance_uid
    evidence = hierarchical(Reference(study, series, *instance) for instance in named)
    target.CurrentRequestedProcedureEvidenceSequence = DicomSequence(evidence)
    return target
