"""What the header of a Segmentation says: which images it is of, who saved it, and what each segment stands for.

Segmentations of other makers are read here, so nothing is taken for granted: an absent element is an empty text.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset

SEGMENTATION_CLASSES = frozenset(("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"))
_LONGEST_TEXT = 64


@dataclass(frozen=True, slots=True)
class SegmentFacts:
    """One item of the Segment Sequence (PS3.3 C.8.20.4); codes are "scheme:value"."""

    number: int
    label: str
    type_code: str
    modifier_codes: tuple[str, ...]
    algorithm_type: str
    algorithm_name: str
    tracking_uid: str


@dataclass(frozen=True, slots=True)
class SegmentationFacts:
    """One Segmentation.

    Attributes
    ----------
    kind : BINARY, FRACTIONAL or LABELMAP.
    series_of_sources, instances_of_sources : the images that it says it was drawn on.
    reader : Content Creator's Name, else Operators' Name; nobody has authenticated it.
    saved_at : YYYYMMDDHHMMSS of the content, else of the series; "" where unknown.
    software : maker, model and version of what saved it.
    """

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    frame_of_reference_uid: str
    kind: str
    series_of_sources: tuple[str, ...]
    instances_of_sources: frozenset[str]
    segments: tuple[SegmentFacts, ...]
    reader: str
    saved_at: str
    software: str

    @property
    def is_by_software_alone(self) -> bool:
        """Whether every segment says that an algorithm made it and nobody touched it."""
        return bool(self.segments) and all(s.algorithm_type == "AUTOMATIC" for s in self.segments)


def segmentation_facts(ds: Dataset) -> SegmentationFacts:
    """Read the facts of a Segmentation's data set."""
    return SegmentationFacts(
        sop_class_uid=_text(ds, "SOPClassUID"),
        sop_instance_uid=_text(ds, "SOPInstanceUID"),
        series_instance_uid=_text(ds, "SeriesInstanceUID"),
        study_instance_uid=_text(ds, "StudyInstanceUID"),
        frame_of_reference_uid=_text(ds, "FrameOfReferenceUID"),
        kind=_text(ds, "SegmentationType").upper(),
        series_of_sources=tuple(_text(item, "SeriesInstanceUID") for item in items(ds, "ReferencedSeriesSequence")),
        instances_of_sources=frozenset(_sources(ds)),
        segments=tuple(_segment(item) for item in items(ds, "SegmentSequence") if _number(item) > 0),
        reader=_text(ds, "ContentCreatorName") or _text(ds, "OperatorsName"),
        saved_at=_moment(ds, "Content") or _moment(ds, "Series"),
        software=" ".join(
            t for t in (_text(ds, k) for k in ("Manufacturer", "ManufacturerModelName", "SoftwareVersions")) if t
        ),
    )


def items(ds: Dataset, keyword: str) -> Iterable[Dataset]:
    """Return the items of a sequence, none where it is absent or empty."""
    return ds.get(keyword) or ()


def _segment(item: Dataset) -> SegmentFacts:
    kind = next(iter(items(item, "SegmentedPropertyTypeCodeSequence")), Dataset())
    modifiers = [*items(kind, "SegmentedPropertyTypeModifierCodeSequence")]
    for region in items(item, "AnatomicRegionSequence"):
        modifiers += items(region, "AnatomicRegionModifierSequence")
    return SegmentFacts(
        number=_number(item),
        label=_text(item, "SegmentLabel")[:_LONGEST_TEXT],
        type_code=_code(kind),
        modifier_codes=tuple(_code(modifier) for modifier in modifiers),
        algorithm_type=_text(item, "SegmentAlgorithmType").upper(),
        algorithm_name=_text(item, "SegmentAlgorithmName"),
        tracking_uid=_text(item, "TrackingUID"),
    )


def _sources(ds: Dataset) -> Iterator[str]:
    for series in items(ds, "ReferencedSeriesSequence"):
        yield from (_text(i, "ReferencedSOPInstanceUID") for i in items(series, "ReferencedInstanceSequence"))
    for group in items(ds, "PerFrameFunctionalGroupsSequence"):
        for derivation in items(group, "DerivationImageSequence"):
            yield from (_text(i, "ReferencedSOPInstanceUID") for i in items(derivation, "SourceImageSequence"))


def _number(item: Dataset) -> int:
    value = item.get("SegmentNumber")
    return value if isinstance(value, int) else 0


def _code(item: Dataset) -> str:
    value = _text(item, "CodeValue")
    return f"{_text(item, 'CodingSchemeDesignator')}:{value}" if value else ""


def _moment(ds: Dataset, of: str) -> str:
    date, time = _text(ds, f"{of}Date"), _text(ds, f"{of}Time").partition(".")[0]
    return date + time.ljust(6, "0") if date else ""


def _text(ds: Dataset, keyword: str) -> str:
    return str(ds.get(keyword) or "").strip(" \0")
