"""The measurement report: TID 1500 with an image library, one group per lung and one for both (standards 1.5)."""

from collections.abc import Sequence
from dataclasses import dataclass

from highdicom.sr import ContentItem
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from node.errors import Reason
from node.measure.quantity import Quantity
from node.report import codes, tree, wording
from node.report.document import Reference, document, language, observer
from node.report.groups import SIDE_OF, both_lungs_group, looked_for_lesions, lung_group
from node.report.kinds import SR
from node.report.lesion_groups import axes_group, lesion_group
from node.report.pet_section import (
    PetSection,
    lesion_statements,
    pet_statements,
    section_groups,
    segmentations_of,
    sources_of,
)
from node.report.seg_frames import Frame
from node.report.segments import Tracked
from node.report.source import Source
from node.report.sr_class import SrClass
from node.report.stamp import Job
from node.report.statements import warnings
from node.report.zone_groups import zone_groups
from node.segment.contract import Segmentation, SegmentKind, Task

_PUBLIC_SCHEMES = frozenset(("DCM", "LN", "RADLEX", "SCT"))


@dataclass(frozen=True, slots=True)
class Findings:
    """What the report says: the masks as they stand in the SEG, and what was measured or withheld."""

    segmentation: Segmentation
    tracked: tuple[Tracked, ...]
    frames: tuple[Frame, ...]
    quantities: tuple[Quantity, ...]
    reasons: tuple[Reason, ...]
    pet: PetSection | None = None

    @property
    def has_lungs(self) -> bool:
        """Whether a model looked for lungs; a route may be for lesions alone."""
        return any(model.task is Task.LUNGS for model in self.segmentation.models)

    @property
    def searched_ct(self) -> bool:
        """Whether a model looked for lesions."""
        return looked_for_lesions(self.segmentation)

    def slices_of(self, tracked: Tracked) -> list[int]:
        """Return the slices that hold a segment."""
        return [frame.slice_index for frame in self.frames if frame.segment_number == tracked.number]


def build_report(
    findings: Findings,
    source: Source,
    job: Job,
    *,
    seg: Reference | None,
    siblings: Sequence[Reference] = (),
    predecessor: Reference | None,
    sop_class: SrClass,
    editable: bool = False,
) -> Dataset:
    """Build the report, but for what `stamp` writes. Without a SEG there is the group of both lungs alone.

    Parameters
    ----------
    siblings : the other result objects of the run, which the report gathers in its evidence.
    editable : whether viewers may let a reader edit the axes (at the price of another tracking identifier).
    """
    groups: list[ContentItem] = []
    if seg is not None:
        # OHIF opens a report at its first group and shows nothing where that has no coordinates: lesions come first
        groups += _lesion_groups(findings, source, job, seg)
        groups += _lung_groups(findings, source, job, seg)
    if findings.has_lungs:
        both = job.identity.tracking_uid(source.first.series_instance_uid, "both-lungs")
        groups.append(
            both_lungs_group(
                both,
                findings.segmentation,
                findings.quantities,
                findings.reasons,
                source,
                job.equipment,
                of_pet=pet_statements(findings.pet, searched_ct=findings.searched_ct),
            )
        )
    lung_slices = sorted({z for t in findings.tracked if t.segment.kind in SIDE_OF for z in findings.slices_of(t)})
    groups += zone_groups(findings.segmentation, findings.quantities, lung_slices, source, job)
    groups += section_groups(findings.pet, findings.tracked, job, searched_ct=findings.searched_ct)
    for tracked in findings.tracked if seg is not None else ():
        drawn = None if tracked.is_solid_component else axes_group(tracked, source, job.equipment, editable=editable)
        groups += [] if drawn is None else [drawn]
    sources = (source, *sources_of(findings.pet))
    root = report_tree(groups, sources, job)
    segs = (*([seg] if seg else []), *segmentations_of(findings.pet))
    evidence = [*(image for each in sources for image in used_instances(each)), *segs, *siblings]
    return document(SR, sop_class, root, evidence, predecessor, job, prior_images(findings.tracked))


def report_tree(groups: Sequence[ContentItem], sources: Sequence[Source], job: Job) -> ContentItem:
    """Return TID 1500 round measurement groups; `sources` are the CT and, where it was measured, its PET."""
    return tree.container(
        codes.REPORT,
        [
            language(),
            *observer(job.equipment),
            tree.code(tree.HAS_CONCEPT_MOD, codes.PROCEDURE_REPORTED, procedure(sources[0].header)),
            tree.container(codes.IMAGE_LIBRARY, [_library_group(each) for each in sources]),
            tree.container(codes.IMAGING_MEASUREMENTS, groups),
        ],
        relationship=None,
        template="1500",
    )


def _lung_groups(findings: Findings, source: Source, job: Job, seg: Reference) -> list[ContentItem]:
    lungs = [t for t in findings.tracked if t.segment.kind in SIDE_OF]
    return [
        lung_group(t, findings.slices_of(t), findings.quantities, findings.reasons, seg, source, job.equipment)
        for t in lungs
    ]


def _lesion_groups(findings: Findings, source: Source, job: Job, seg: Reference) -> list[ContentItem]:
    """Return the groups of lesions; without lungs the series' reasons stand in each, there is no other group."""
    unsure = findings.segmentation.unsure
    groups = []
    for tracked in findings.tracked:
        if tracked.segment.kind is SegmentKind.LESION:
            group = lesion_group(tracked, findings.slices_of(tracked), unsure, seg, source, job.equipment)
            group.ContentSequence.extend(lesion_statements(findings.pet, tracked))
            if not findings.has_lungs:
                group.ContentSequence.extend(warnings(findings.reasons))
                group.ContentSequence.extend(pet_statements(findings.pet, searched_ct=True))
                group.ContentSequence.append(tree.text(tree.CONTAINS, codes.COMMENT, wording.NOT_FOR_DIAGNOSIS))
            groups.append(group)
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
    of_pet = source.first.modality == "PT"  # its field of view is more than the chest
    region = [] if of_pet else [tree.code(tree.HAS_ACQ_CONTEXT, codes.TARGET_REGION, codes.CHEST)]
    common = [
        tree.code(tree.HAS_ACQ_CONTEXT, codes.MODALITY, codes.MODALITY_PET if of_pet else codes.MODALITY_CT),
        *region,
        tree.uid(tree.HAS_ACQ_CONTEXT, codes.FRAME_OF_REFERENCE, source.first.geometry.frame_of_reference_uid),
        tree.number(tree.HAS_ACQ_CONTEXT, codes.HORIZONTAL_SPACING, across_mm, codes.MM),
        tree.number(tree.HAS_ACQ_CONTEXT, codes.VERTICAL_SPACING, down_mm, codes.MM),
        tree.number(tree.HAS_ACQ_CONTEXT, codes.SLICE_SPACING, source.slice_step_mm, codes.MM),
    ]
    if source.slice_thickness_mm is not None:
        common.append(tree.number(tree.HAS_ACQ_CONTEXT, codes.SLICE_THICKNESS, source.slice_thickness_mm, codes.MM))
    everything = range(len(source.frames))
    return tree.container(codes.IMAGE_LIBRARY_GROUP, [*common, *tree.images(codes.SOURCE, source, everything)])


def prior_images(tracked: Sequence[Tracked]) -> list[Reference]:
    """Return the images of prior studies that comparisons refer to."""
    lesions = [t.lesion for t in tracked if t.lesion is not None and not t.is_solid_component]
    images = [lesion.prior_image for lesion in lesions if lesion.prior_image is not None]
    return [Reference(i.study_uid, i.series_uid, i.sop_class_uid, i.sop_instance_uid) for i in images]


def used_instances(source: Source) -> list[Reference]:
    """Return every source image that was used."""
    study, series = source.first.study_instance_uid, source.first.series_instance_uid
    return [Reference(study, series, sop_class, instance) for sop_class, instance in source.instances]
