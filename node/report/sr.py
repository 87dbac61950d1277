"""The measurement report: TID 1500 with an image library, one group per lung and one for both (standards 1.5)."""

from dataclasses import dataclass
from enum import StrEnum

from highdicom.sr import ContentItem
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from node.errors import Reason
from node.measure.quantity import Quantity
from node.report import codes, tree
from node.report.document import Reference, document, language, observer
from node.report.groups import SIDE_OF, both_lungs_group, lung_group
from node.report.kinds import SR
from node.report.seg_frames import Frame
from node.report.segments import Tracked
from node.report.source import Source
from node.report.stamp import Job
from node.report.uids import COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR
from node.segment.contract import Segmentation

_PUBLIC_SCHEMES = frozenset(("DCM", "LN", "RADLEX", "SCT"))


class SrClass(StrEnum):
    """Which SOP class the report is written as. Both are built from one tree: it holds no 3D coordinates."""

    COMPREHENSIVE_3D = COMPREHENSIVE_3D_SR
    COMPREHENSIVE = COMPREHENSIVE_SR


@dataclass(frozen=True, slots=True)
class Findings:
    """What the report says: the masks as they stand in the SEG, and what was measured or withheld."""

    segmentation: Segmentation
    tracked: tuple[Tracked, ...]
    frames: tuple[Frame, ...]
    quantities: tuple[Quantity, ...]
    reasons: tuple[Reason, ...]


def build_report(
    findings: Findings,
    source: Source,
    job: Job,
    *,
    seg: Reference | None,
    predecessor: Reference | None,
    sop_class: SrClass,
) -> Dataset:
    """Build the report, but for what `stamp` writes. Without a SEG there is the group of both lungs alone."""
    both = job.identity.tracking_uid(source.first.series_instance_uid, "both-lungs")
    groups = [
        *(_lung_groups(findings, source, job, seg) if seg is not None else []),
        both_lungs_group(both, findings.segmentation, findings.quantities, findings.reasons, source, job.equipment),
    ]
    root = tree.container(
        codes.REPORT,
        [
            language(),
            *observer(job.equipment),
            tree.code(tree.HAS_CONCEPT_MOD, codes.PROCEDURE_REPORTED, procedure(source.header)),
            tree.container(codes.IMAGE_LIBRARY, [_library_group(source)]),
            tree.container(codes.IMAGING_MEASUREMENTS, groups),
        ],
        relationship=None,
        template="1500",
    )
    return document(SR, sop_class, root, [*_used(source), *([seg] if seg else [])], predecessor, job)


def _lung_groups(findings: Findings, source: Source, job: Job, seg: Reference) -> list[ContentItem]:
    groups: list[ContentItem] = []
    for tracked in findings.tracked:
        if tracked.segment.kind in SIDE_OF:
            slices = [frame.slice_index for frame in findings.frames if frame.segment_number == tracked.number]
            groups.append(
                lung_group(tracked, slices, findings.quantities, findings.reasons, seg, source, job.equipment)
            )
    return groups


def procedure(header: Dataset) -> Code:
    """Return the study's own procedure code where it is of a public scheme, else CT without body region."""
    for item in header.get("ProcedureCodeSequence") or ():
        value, scheme, meaning = (
            str(item.get(k) or "") for k in ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
        )
        if value and meaning.isascii() and meaning and scheme in _PUBLIC_SCHEMES:
            return Code(value, scheme, meaning)
    return codes.CT_UNSPECIFIED


def _library_group(source: Source) -> ContentItem:
    """Return TID 1602: what is common to the series, then TID 1601 for each used instance."""
    across_mm, down_mm = source.spacing_yx_mm[1], source.spacing_yx_mm[0]
    common = [
        tree.code(tree.HAS_ACQ_CONTEXT, codes.MODALITY, codes.MODALITY_CT),
        tree.code(tree.HAS_ACQ_CONTEXT, codes.TARGET_REGION, codes.CHEST),
        tree.uid(tree.HAS_ACQ_CONTEXT, codes.FRAME_OF_REFERENCE, source.first.geometry.frame_of_reference_uid),
        tree.number(tree.HAS_ACQ_CONTEXT, codes.HORIZONTAL_SPACING, across_mm, codes.MM),
        tree.number(tree.HAS_ACQ_CONTEXT, codes.VERTICAL_SPACING, down_mm, codes.MM),
        tree.number(tree.HAS_ACQ_CONTEXT, codes.SLICE_SPACING, source.slice_step_mm, codes.MM),
    ]
    if source.slice_thickness_mm is not None:
        common.append(tree.number(tree.HAS_ACQ_CONTEXT, codes.SLICE_THICKNESS, source.slice_thickness_mm, codes.MM))
    everything = range(len(source.frames))
    return tree.container(codes.IMAGE_LIBRARY_GROUP, [*common, *tree.images(codes.SOURCE, source, everything)])


def _used(source: Source) -> list[Reference]:
    study, series = source.first.study_instance_uid, source.first.series_instance_uid
    return [Reference(study, series, sop_class, instance) for sop_class, instance in source.instances]
