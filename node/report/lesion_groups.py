"""The measurement groups of a lesion: TID 1411 with every number, TID 1501 with the drawn axes (standards 1.5, 2.2)."""

from collections.abc import Sequence

from highdicom.sr import ContentItem

from node.errors import Code, warn
from node.measure.lesions.axes import Point
from node.measure.lesions.location import Zone
from node.measure.lesions.solid import NoduleType
from node.measure.lesions.values import DOUBTED, LesionMeasurements
from node.report import codes, tree
from node.report.document import Reference
from node.report.equipment import Equipment
from node.report.lesion_measured import lesion_number, lesion_values, prior_image, size_values
from node.report.lesion_words import MEDIAL_HALF, band_words, growth_words
from node.report.segments import Tracked
from node.report.source import Source
from node.report.statements import algorithm, warnings

EDITABLE_IDENTIFIER = "Cornerstone3DTools@^0.1.0:Bidirectional"  # with it OHIF lets a reader edit the axes

_ZONES = {Zone.UPPER: codes.UPPER_ZONE, Zone.MIDDLE: codes.MIDDLE_ZONE, Zone.LOWER: codes.LOWER_ZONE}
_TYPES = {
    NoduleType.SOLID: codes.SOLID,
    NoduleType.PART_SOLID: codes.PART_SOLID,
    NoduleType.GROUND_GLASS: codes.GROUND_GLASS,
}


def lesion_group(
    tracked: Tracked, slices: Sequence[int], unsure: Sequence[str], seg: Reference, source: Source, equipment: Equipment
) -> ContentItem:
    """Return the group of a lesion or of its solid component: numbers, segment, slices, what else was found.

    Parameters
    ----------
    slices : those that hold the segment.
    unsure : why the series is flagged unsure, where it is.
    """
    lesion = tracked.lesion
    children = [
        *head(tracked, tracked.tracking_id),
        *_method(tracked),
        *algorithm([tracked.model], equipment.manufacturer, *(() if lesion is None else lesion.parameters)),
        *_numbers(tracked),
        tree.segment(codes.REFERENCED_SEGMENT, seg.sop_class_uid, seg.sop_instance_uid, tracked.number),
        *tree.images(codes.SOURCE_FOR_SEGMENTATION, source, slices),
    ]
    if lesion is not None and not tracked.is_solid_component:
        children += _qualities(lesion)
        children += warnings([*lesion.refused_by, *lesion.warnings])
    else:
        children += doubtful(tracked)
    children += [tree.text(tree.CONTAINS, codes.UNSURE, why) for why in unsure]
    return tree.container(codes.MEASUREMENT_GROUP, children, template="1411")


def axes_group(tracked: Tracked, source: Source, equipment: Equipment, *, editable: bool) -> ContentItem | None:
    """Return the group with the drawn long and short axis, None where the lesion has no size.

    Method, site and algorithm stand on the group: the coordinates must be the only child of each number.
    """
    lesion = tracked.lesion
    if lesion is None or lesion.size is None:
        return None
    axes = lesion.size.axes
    identifier = EDITABLE_IDENTIFIER if editable else tracked.tracking_id
    children = [
        *head(tracked, identifier),
        *_method(tracked),
        *algorithm([tracked.model], equipment.manufacturer),
        *(
            tree.number(tree.CONTAINS, name, length_mm, codes.MM, _line(ends_yx, axes.slice_index, source))
            for name, length_mm, ends_yx in (
                (codes.LONG_AXIS, axes.long_mm, axes.long_ends_yx),
                (codes.SHORT_AXIS, axes.short_mm, axes.short_ends_yx),
            )
        ),
        *doubtful(tracked),
    ]
    return tree.container(codes.MEASUREMENT_GROUP, children, template="1501")


def doubtful(tracked: Tracked) -> list[ContentItem]:
    """Return the warning that a lesion is uncertain: each group has its own, viewers show one without the others."""
    if tracked.lesion is not None:
        return warnings(reason for reason in tracked.lesion.warnings if reason.code is Code.SEG_UNSURE)
    why = tracked.segment.doubt
    return [] if why is None else warnings([warn(Code.SEG_UNSURE, f"{DOUBTED}{why}")])


def _line(ends_yx: tuple[Point, Point], z: int, source: Source) -> ContentItem:
    """Return the coordinates of a line; (column, row) from the corner of the first pixel (PS3.3 C.18.6.1.1)."""
    points_xy = [(x + 0.5, y + 0.5) for y, x in ends_yx]
    return tree.polyline(tree.INFERRED_FROM, codes.PATH, points_xy, tree.image(codes.SOURCE, source, z))


def head(tracked: Tracked, identifier: str) -> list[ContentItem]:
    """Return what a group begins with; the tracking identifiers come first, viewers take the first UID they meet."""
    return [
        tree.text(tree.HAS_OBS_CONTEXT, codes.TRACKING_IDENTIFIER, identifier),
        tree.uid(tree.HAS_OBS_CONTEXT, codes.TRACKING_UID, tracked.tracking_uid),
        tree.code(tree.CONTAINS, codes.FINDING_CATEGORY, codes.ABNORMAL_STRUCTURE),
        tree.code(tree.CONTAINS, codes.FINDING, tracked.kind_code),
        *_site(tracked),
    ]


def _site(tracked: Tracked) -> list[ContentItem]:
    """Return the lung with its side, and the zone where it is known; none without a side: it may lie in no lung."""
    if tracked.laterality is None:
        return []
    place = [tree.code(tree.HAS_CONCEPT_MOD, codes.LATERALITY, tracked.laterality)]
    zone = None if tracked.lesion is None else tracked.lesion.location.zone
    if zone is not None:
        place.append(tree.code(tree.HAS_CONCEPT_MOD, codes.TOPOGRAPHY, _ZONES[zone]))
    return [tree.code(tree.HAS_CONCEPT_MOD, codes.FINDING_SITE, codes.LUNG, *place)]


def _method(tracked: Tracked) -> list[ContentItem]:
    """Name RECIST as the method of the axes, where there are any."""
    if tracked.lesion is None or tracked.lesion.size is None:
        return []
    return [tree.code(tree.HAS_CONCEPT_MOD, codes.MEASUREMENT_METHOD, codes.RECIST)]


def _numbers(tracked: Tracked) -> list[ContentItem]:
    lesion = tracked.lesion
    if lesion is None:
        return []
    if tracked.is_solid_component:
        values = {} if lesion.solid is None else size_values(lesion.solid)
        return [lesion_number(name, value, lesion, lesion.solid) for name, value in values.items()]
    return [lesion_number(name, value, lesion, lesion.size) for name, value in lesion_values(lesion).items()]


def _qualities(lesion: LesionMeasurements) -> list[ContentItem]:
    """Return the attenuation type, the size band in mm with its fixed sentence, and what stands in words only."""
    items: list[ContentItem] = []
    if lesion.type is not None:
        items.append(tree.code(tree.CONTAINS, codes.NODULE_TYPE, _TYPES[lesion.type]))
    if lesion.tnm is not None:
        bands = () if lesion.is_uncertain else lesion.tnm.bands  # a code cannot say that it is uncertain
        items += [tree.code(tree.CONTAINS, codes.SIZE_BAND, codes.SIZE_BANDS[band]) for band in bands]
        items.append(tree.text(tree.CONTAINS, codes.COMMENT, band_words(lesion)))
    items += [tree.text(tree.CONTAINS, codes.COMMENT, words) for words in spoken(lesion)]
    return items + _against_the_prior(lesion)


def spoken(lesion: LesionMeasurements) -> list[str]:
    """Return what is said of a lesion in words only: distance, further lesions, confidence; no bands."""
    words = []
    if lesion.location.to_mediastinum_mm is not None:
        words.append(f"Distance to the {MEDIAL_HALF} {lesion.location.to_mediastinum_mm:.0f} mm.")
    words.append(lesion.further.text)
    if lesion.confidence is not None:
        words.append(f"Confidence of the model that this is a lesion: {lesion.confidence:.2f}.")
    return words


def _against_the_prior(lesion: LesionMeasurements) -> list[ContentItem]:
    """Return the comparison in words, inferred from the prior's image where numbers were compared."""
    image = () if lesion.prior_image is None else (prior_image(lesion.prior_image),)
    return [tree.text(tree.CONTAINS, codes.COMMENT, words, *image) for words in growth_words(lesion)]
