"""The measurement groups of a lung report: TID 1411 for each lung, TID 1501 for both (standards 1.5 and 2.1)."""

from collections.abc import Iterable, Sequence

from highdicom.sr import ContentItem
from pydicom.sr.coding import Code

from node.errors import Code as ReasonCode
from node.errors import Reason
from node.measure.quantity import Name, Quantity, Side
from node.report import codes, tree, wording
from node.report.document import Reference
from node.report.equipment import Equipment
from node.report.measured import number
from node.report.segments import Tracked
from node.report.source import Source
from node.report.statements import algorithm, warnings
from node.segment.contract import Segmentation, SegmentKind, Task

_LATERALITY = {Side.RIGHT: codes.RIGHT, Side.LEFT: codes.LEFT, Side.BOTH: codes.BILATERAL}
SIDE_OF = {SegmentKind.RIGHT_LUNG: Side.RIGHT, SegmentKind.LEFT_LUNG: Side.LEFT}
BOTH_LUNGS = "Both lungs"
_SHORT_NAMES = {
    Name.LUNG_VOLUME: "volume",
    Name.MEAN_LUNG_DENSITY: "mean density",
    Name.SD_LUNG_DENSITY: "standard deviation of density",
    Name.LAA_950: "LAA -950",
    Name.LAA_910: "LAA -910",
    Name.PERC15: "Perc15",
    Name.PD15: "PD15",
}


def lung_group(
    tracked: Tracked,
    slices: Sequence[int],
    quantities: Iterable[Quantity],
    reasons: Sequence[Reason],
    seg: Reference,
    source: Source,
    equipment: Equipment,
) -> ContentItem:
    """Return the group of one lung: its numbers, its segment, the slices that it was found on."""
    side = SIDE_OF[tracked.segment.kind]
    mine = [q for q in quantities if q.side is side and q.zone is None]
    children = [
        *lung_head(tracked.tracking_id, tracked.tracking_uid, side),
        *algorithm([tracked.model], equipment.manufacturer),
        *lung_numbers(mine, equipment.software_version),
        tree.segment(codes.REFERENCED_SEGMENT, seg.sop_class_uid, seg.sop_instance_uid, tracked.number),
        *tree.images(codes.SOURCE_FOR_SEGMENTATION, source, slices),
        *_not_given(mine),
        *warnings([*_withholding(mine), *_cut_off(mine, reasons)]),
    ]
    return tree.container(codes.MEASUREMENT_GROUP, children, template="1411")


def both_lungs_group(
    tracking_uid: str,
    segmentation: Segmentation,
    quantities: Iterable[Quantity],
    reasons: Sequence[Reason],
    source: Source,
    equipment: Equipment,
    of_pet: Sequence[ContentItem] = (),
) -> ContentItem:
    """Return the group of the union: totals, every reason found about the series, and what applies to it as a whole.

    `of_pet` is what is said of its PET.
    """
    mine = [q for q in quantities if q.side is Side.BOTH and q.zone is None]
    children = [
        *lung_head(BOTH_LUNGS, tracking_uid, Side.BOTH),
        *algorithm(segmentation.models, equipment.manufacturer),
        *lung_numbers(mine, equipment.software_version),
        *tree.images(codes.SOURCE, source, range(len(source.frames))),
        *_not_given(mine),
        *warnings([*_withholding(mine), *reasons]),
        *of_pet,
        *(tree.text(tree.CONTAINS, codes.UNSURE, why) for why in segmentation.unsure),
        *no_lesion(segmentation),
        *_not_searched(segmentation),
        tree.text(tree.CONTAINS, codes.COMMENT, wording.NOT_FOR_DIAGNOSIS),
    ]
    return tree.container(codes.MEASUREMENT_GROUP, children, template="1501")


def lung_head(tracking_id: str, tracking_uid: str, side: Side, zone: Code | None = None) -> list[ContentItem]:
    """Return what a lung's group begins with; the tracking UID is the first UID of all, as viewers expect."""
    laterality: Code = _LATERALITY[side]
    return [
        tree.text(tree.HAS_OBS_CONTEXT, codes.TRACKING_IDENTIFIER, tracking_id),
        tree.uid(tree.HAS_OBS_CONTEXT, codes.TRACKING_UID, tracking_uid),
        tree.code(tree.CONTAINS, codes.FINDING_CATEGORY, codes.ANATOMICAL_STRUCTURE),
        tree.code(tree.CONTAINS, codes.FINDING, codes.LUNG),
        tree.code(
            tree.HAS_CONCEPT_MOD,
            codes.FINDING_SITE,
            codes.LUNG,
            tree.code(tree.HAS_CONCEPT_MOD, codes.LATERALITY, laterality),
            *(() if zone is None else (tree.code(tree.HAS_CONCEPT_MOD, codes.TOPOGRAPHY, zone),)),
        ),
    ]


def lung_numbers(quantities: Iterable[Quantity], software_version: str) -> list[ContentItem]:
    """Return the NUMs. A quantity without value is left out: never 0, never NaN, never a NUM without value."""
    return [number(q, q.value, software_version) for q in quantities if q.value is not None]


def _withholding(quantities: Iterable[Quantity]) -> list[Reason]:
    """Return what withheld numbers of a group."""
    return [reason for quantity in quantities for reason in quantity.refused_by]


def _cut_off(quantities: Iterable[Quantity], reasons: Iterable[Reason]) -> list[Reason]:
    """Return why a group's volume is only a lower bound."""
    partial = any(quantity.partial for quantity in quantities)
    return [reason for reason in reasons if partial and reason.code is ReasonCode.GEO_PARTIAL]


def no_lesion(segmentation: Segmentation) -> list[ContentItem]:
    """Say that nothing was segmented, only where a lesion model ran and found nothing."""
    found = any(segment.kind is SegmentKind.LESION for segment in segmentation.segments)
    return (
        [tree.text(tree.CONTAINS, codes.NO_LESION, wording.NO_LESION)]
        if looked_for_lesions(segmentation) and not found
        else []
    )


def _not_searched(segmentation: Segmentation) -> list[ContentItem]:
    """Say that nobody looked, so that silence about lesions is not read as a finding."""
    return [] if looked_for_lesions(segmentation) else [tree.text(tree.CONTAINS, codes.COMMENT, wording.NOT_SEARCHED)]


def looked_for_lesions(segmentation: Segmentation) -> bool:
    """Return whether a model ran that looks for lesions."""
    return any(model.task in (Task.LESIONS, Task.NODULES) for model in segmentation.models)


def _not_given(quantities: Sequence[Quantity]) -> list[ContentItem]:
    """Name the numbers that a reader may miss, with the codes that withhold them."""
    missing = [quantity for quantity in quantities if quantity.value is None]
    if not missing:
        return []
    names = ", ".join(_SHORT_NAMES[quantity.name] for quantity in missing)
    withholding = ", ".join(dict.fromkeys(reason.code for reason in _withholding(missing)))
    return [tree.text(tree.CONTAINS, codes.COMMENT, f"Not given: {names} ({withholding})")]
