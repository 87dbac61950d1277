"""How the labels of a segmentation become segments of a SEG: order, codes, colour, tracking."""

from collections.abc import Mapping
from dataclasses import dataclass

from highdicom import AlgorithmIdentificationSequence
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
from highdicom.sr.coding import CodedConcept
from pydicom.sr.coding import Code

from node.errors import OurMistake
from node.measure.lesions.values import Finding, LesionMeasurements
from node.measure.quantity import Side
from node.report import codes
from node.report.lesion_words import UNCERTAIN, doubt_words
from node.segment.contract import UNCERTAIN_LABEL, ModelIdentity, Segment, Segmentation, SegmentKind, Task

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


_LESIONS: dict[Finding, Code] = {Finding.NODULE: codes.NODULE, Finding.MASS: codes.MASS, Finding.LESION: codes.LESION}
_SOLID_RGB = (240, 228, 66)
_UNCERTAIN_RGB = (255, 160, 200)
_SIDES = {Side.RIGHT: codes.RIGHT, Side.LEFT: codes.LEFT}


@dataclass(frozen=True, slots=True)
class Tracked:
    """A segment with its number in the SEG and the identifiers that SEG and SR share.

    `lesion` is what was measured of it; a solid component has its lesion's `segment` and `lesion`. `family` is that of
    the algorithm which drew it.
    """

    number: int
    segment: Segment
    tracking_uid: str
    model: ModelIdentity
    lesion: LesionMeasurements | None = None
    is_solid_component: bool = False
    family: Code = codes.ARTIFICIAL_INTELLIGENCE

    @property
    def doubt(self) -> str:
        """Why the software is not sure of a lesion, "" where it is."""
        if self.lesion is not None:
            return doubt_words(self.lesion)
        return f"{UNCERTAIN}: {self.segment.doubt}" if self.segment.is_uncertain else ""

    @property
    def label(self) -> str:
        """The segment's name in lists: its tracking identifier, and whether it is uncertain."""
        return f"{self.tracking_id}{UNCERTAIN_LABEL if self.doubt else ''}"

    @property
    def short_label(self) -> str:
        """The same where there is little room: a question mark stands for uncertain."""
        return f"{self.tracking_id}{'?' if self.doubt else ''}"

    @property
    def tracking_id(self) -> str:
        """The text that goes with the UID."""
        return f"{self.segment.name}-solid" if self.is_solid_component else self.segment.name

    @property
    def kind_code(self) -> Code:
        """What it is, as type of the segment and as finding of its group."""
        if self.is_solid_component:
            return codes.SOLID_COMPONENT
        if self.segment.kind is SegmentKind.LESION:
            return codes.LESION if self.lesion is None else _LESIONS[self.lesion.finding]
        return _CODES[self.segment.kind][1]

    @property
    def laterality(self) -> Code | None:
        """The side that a lesion lies on, where that is known."""
        side = None if self.lesion is None else self.lesion.location.side
        return None if side is None else _SIDES.get(side)


def in_order(segmentation: Segmentation, n_voxels: Mapping[int, int]) -> tuple[Segment, ...]:
    """Return the segments as a SEG lists them: right lung, left lung, then lesions from the largest down."""

    def place(segment: Segment) -> tuple[int, int, int]:
        size = n_voxels.get(segment.label, 0) if segment.kind is SegmentKind.LESION else 0
        return _ORDER.index(segment.kind), -size, segment.label

    return tuple(sorted(segmentation.segments, key=place))


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


def rgb(tracked: Tracked) -> tuple[int, int, int]:
    """Return the colour of a segment, the same in every object."""
    if tracked.is_solid_component:
        return _SOLID_RGB
    return _UNCERTAIN_RGB if tracked.doubt else _RGB[tracked.segment.kind]


def describe(tracked: Tracked, manufacturer: str) -> SegmentDescription:
    """Return the Segment Sequence item (PS3.3 C.8.20.4); a lesion without a side may be in no lung: no region."""
    kind, model = tracked.segment.kind, tracked.model
    described = SegmentDescription(
        segment_number=tracked.number,
        segment_label=tracked.label,
        segmented_property_category=_CODES[kind][0],
        segmented_property_type=tracked.kind_code,
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=AlgorithmIdentificationSequence(
            name=model.name,
            family=tracked.family,
            version=model.version,
            source=manufacturer,
        ),
        tracking_id=tracked.tracking_id,
        tracking_uid=tracked.tracking_uid,
        display_color=CIELabColor.from_rgb(*rgb(tracked)),
        anatomic_regions=None if tracked.laterality is None else [codes.LUNG],
    )
    if tracked.doubt:
        described.SegmentDescription = tracked.doubt
    if tracked.laterality is not None:
        region = described.AnatomicRegionSequence[0]
        region.AnatomicRegionModifierSequence = [CodedConcept.from_code(tracked.laterality)]
    return described
