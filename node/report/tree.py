"""Content items of a structured report, short enough to write a tree that reads like the template."""

from collections.abc import Iterable, Sequence

import numpy as np
from highdicom.sr import (
    CodeContentItem,
    ContainerContentItem,
    ContentItem,
    ContentSequence,
    GraphicTypeValues,
    ImageContentItem,
    NumContentItem,
    ScoordContentItem,
    TextContentItem,
    UIDRefContentItem,
)
from pydicom.sr.coding import Code

from node.report.ascii_text import ascii_text
from node.report.source import Source

CONTAINS = "CONTAINS"
HAS_OBS_CONTEXT = "HAS OBS CONTEXT"
HAS_ACQ_CONTEXT = "HAS ACQ CONTEXT"
HAS_CONCEPT_MOD = "HAS CONCEPT MOD"
INFERRED_FROM = "INFERRED FROM"
SELECTED_FROM = "SELECTED FROM"


def container(
    name: Code, children: Iterable[ContentItem], *, relationship: str | None = CONTAINS, template: str | None = None
) -> ContentItem:
    """Return a CONTAINER; without `relationship` it is the root."""
    item = ContainerContentItem(name, is_content_continuous=False, template_id=template, relationship_type=relationship)
    item.ContentSequence = ContentSequence(list(children))
    return item


def code(relationship: str, name: Code, value: Code, *children: ContentItem) -> ContentItem:
    """Return a CODE."""
    return _with_children(CodeContentItem(name, value, relationship), children)


def text(relationship: str, name: Code, value: str, *children: ContentItem) -> ContentItem:
    """Return a TEXT, in ASCII."""
    return _with_children(TextContentItem(name, ascii_text(value), relationship), children)


def uid(relationship: str, name: Code, value: str) -> ContentItem:
    """Return a UIDREF."""
    return UIDRefContentItem(name, value, relationship)


def number(relationship: str, name: Code, value: float, unit: Code, *children: ContentItem) -> ContentItem:
    """Return a NUM. The value is written in 16 characters and as a double beside it."""
    return _with_children(NumContentItem(name, float(value), unit, relationship_type=relationship), children)


def segment(name: Code, sop_class_uid: str, sop_instance_uid: str, segment_number: int) -> ContentItem:
    """Return an IMAGE that names one segment."""
    return ImageContentItem(
        name, sop_class_uid, sop_instance_uid, referenced_segment_numbers=segment_number, relationship_type=CONTAINS
    )


def images(name: Code, source: Source, slices: Sequence[int]) -> list[ContentItem]:
    """Return one IMAGE per instance that holds any of these slices, with frame numbers where it has frames."""
    frames: dict[tuple[str, str], list[int]] = {}
    for z in slices:
        frame = source.frames[z]
        frames.setdefault((frame.sop_class_uid, frame.sop_instance_uid), []).append(frame.frame_number)
    return [
        ImageContentItem(
            name,
            sop_class_uid,
            sop_instance_uid,
            referenced_frame_numbers=sorted(numbers) if source.is_multiframe else None,
            relationship_type=CONTAINS,
        )
        for (sop_class_uid, sop_instance_uid), numbers in frames.items()
    ]


def image(name: Code, source: Source, z: int) -> ContentItem:
    """Return the IMAGE that coordinates on one slice were selected from."""
    frame = source.frames[z]
    return ImageContentItem(
        name,
        frame.sop_class_uid,
        frame.sop_instance_uid,
        referenced_frame_numbers=[frame.frame_number] if source.is_multiframe else None,
        relationship_type=SELECTED_FROM,
    )


def polyline(
    relationship: str, name: Code, points_xy: Sequence[tuple[float, float]], selected_from: ContentItem
) -> ContentItem:
    """Return an SCOORD of (column, row) points, each from the corner of the first pixel, on one image."""
    item = ScoordContentItem(
        name, GraphicTypeValues.POLYLINE, np.array(points_xy, float), relationship_type=relationship
    )
    return _with_children(item, [selected_from])


def _with_children(item: ContentItem, children: Sequence[ContentItem]) -> ContentItem:
    if children:
        item.ContentSequence = ContentSequence(list(children))
    return item
