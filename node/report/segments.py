"""How the labels of a segmentation become segments of a SEG: order, codes, colour, tracking."""

from dataclasses import dataclass

from highdicom import AlgorithmIdentificationSequence
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
from pydicom.sr.coding import Code

from node.errors import OurMistake
from node.report import codes
from node.segment.contract import ModelIdentity, Segment, Segmentation, SegmentKind, Task

_CODES: dict[SegmentKind, tuple[Code, Code]] = {
    SegmentKind.RIGHT_LUNG: (codes.ANATOMICAL_STRUCTURE, codes.RIGHT_LUNG),
    SegmentKind.LEFT_LUNG: (codes.ANATOMICAL_STRUCTURE, codes.LEFT_LUNG),
    SegmentKind.LESION: (codes.ABNORMAL_STRUCTURE, codes.LESION),
}
_RGB: dict[SegmentKind, tuple[int, int, int]] = {
    SegmentKind.RIGHT_LUNG: (86, 180, 233),  # the two lungs in colours that the colour-blind tell apart
    SegmentKind.LEFT_LUNG: (230, 159, 0),
    SegmentKind.LESION: (204, 60, 60),
}
_ORDER = (SegmentKind.RIGHT_LUNG, SegmentKind.LEFT_LUNG, SegmentKind.LESION)
_TASKS: dict[SegmentKind, tuple[Task, ...]] = {
    SegmentKind.RIGHT_LUNG: (Task.LUNGS,),
    SegmentKind.LEFT_LUNG: (Task.LUNGS,),
    SegmentKind.LESION: (Task.LESIONS, Task.NODULES),
}


@dataclass(frozen=True, slots=True)
class Tracked:
    """A segment with its number in the SEG and the identifiers that SEG and SR share."""

    number: int
    segment: Segment
    tracking_uid: str
    model: ModelIdentity

    @property
    def tracking_id(self) -> str:
        """The text that goes with the UID."""
        return self.segment.name


def in_order(segmentation: Segmentation) -> tuple[Segment, ...]:
    """Return the segments as a SEG lists them: right lung, left lung, then lesions in the order of their labels."""
    return tuple(sorted(segmentation.segments, key=lambda s: (_ORDER.index(s.kind), s.label)))


def model_for(kind: SegmentKind, models: tuple[ModelIdentity, ...]) -> ModelIdentity:
    """Return the model that made segments of this kind.

    Raises
    ------
    OurMistake
        NO-MODEL where none of the models has such a task.
    """
    for model in models:
        if model.task in _TASKS[kind]:
            return model
    raise OurMistake("NO-MODEL", f"no model of this segmentation makes segments of kind {kind}")


def describe(tracked: Tracked, manufacturer: str) -> SegmentDescription:
    """Return the Segment Sequence item (PS3.3 C.8.20.4)."""
    kind, model = tracked.segment.kind, tracked.model
    category, kind_code = _CODES[kind]
    return SegmentDescription(
        segment_number=tracked.number,
        segment_label=tracked.segment.name,
        segmented_property_category=category,
        segmented_property_type=kind_code,
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=AlgorithmIdentificationSequence(
            name=model.name,
            family=codes.ARTIFICIAL_INTELLIGENCE,
            version=model.version,
            source=manufacturer,
        ),
        tracking_id=tracked.tracking_id,
        tracking_uid=tracked.tracking_uid,
        display_color=CIELabColor.from_rgb(*_RGB[kind]),
    )
