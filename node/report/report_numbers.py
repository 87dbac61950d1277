"""Read the numbers of a written report back: groups with side, tracking and values, by the codes in the file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydicom.dataset import Dataset

from node.errors import OurMistake
from node.measure.quantity import Name, Side
from node.report import codes
from node.report.lesion_measured import LESION_MEASURED, LesionName
from node.report.measured import MEASURED, Measured

_Key = TypeVar("_Key", Name, LesionName)

_SIDES = {codes.RIGHT.value: Side.RIGHT, codes.LEFT.value: Side.LEFT, codes.BILATERAL.value: Side.BOTH}


@dataclass(frozen=True, slots=True)
class ReportedLine:
    """A drawn axis: (column, row) of both ends from the corner of the first pixel, and the image that it lies on."""

    ends_xy: tuple[tuple[float, float], tuple[float, float]]
    sop_instance_uid: str
    frame_number: int


@dataclass(frozen=True, slots=True)
class ReportedGroup:
    """One measurement group as it stands in the file.

    `side` is None where the site has no laterality, `segment_number` where it points to no segment. `values` are
    those of a lung, `lesion_values` those of a lesion, `lines` its drawn axes.
    """

    side: Side | None
    is_lung: bool
    tracking_id: str
    tracking_uid: str
    segment_number: int | None
    values: dict[Name, float]
    lesion_values: dict[LesionName, float]
    lines: dict[LesionName, ReportedLine]


def read_groups(report: Dataset) -> tuple[ReportedGroup, ...]:
    """Return the measurement groups of a TID 1500 report.

    Raises
    ------
    OurMistake
        SELF-CHECK where the tree is not what we write.
    """
    measurements = [item for item in report.ContentSequence if _name(item) == codes.IMAGING_MEASUREMENTS.value]
    if len(measurements) != 1:
        raise OurMistake("SELF-CHECK", "the report has not exactly one container of measurements")
    groups = [i for i in measurements[0].ContentSequence if _name(i) == codes.MEASUREMENT_GROUP.value]
    return tuple(_group(item) for item in groups)


def _group(group: Dataset) -> ReportedGroup:
    children = list(group.ContentSequence)
    segments = [
        int(c.ReferencedSOPSequence[0].ReferencedSegmentNumber)
        for c in _named(children, codes.REFERENCED_SEGMENT.value)
    ]
    site = _one(children, codes.FINDING_SITE.value)
    finding = _one(children, codes.FINDING.value).ConceptCodeSequence[0].CodeValue
    is_lung = str(finding) == codes.LUNG.value
    numbers = [child for child in children if child.ValueType == "NUM"]
    drawn = [(item, _line(item)) for item in numbers if not is_lung]
    of_lesion = [(_number(item, LESION_MEASURED, drawn=line is not None), line) for item, line in drawn]
    return ReportedGroup(
        side=_side(site),
        is_lung=is_lung,
        tracking_id=str(_one(children, codes.TRACKING_IDENTIFIER.value).TextValue),
        tracking_uid=str(_one(children, codes.TRACKING_UID.value).UID),
        segment_number=segments[0] if segments else None,
        values=dict(_number(item, MEASURED) for item in numbers) if is_lung else {},
        lesion_values=dict(number for number, _ in of_lesion),
        lines={name: line for (name, _), line in of_lesion if line is not None},
    )


def _side(site: Dataset) -> Side | None:
    found = _named(site.get("ContentSequence") or [], codes.LATERALITY.value)
    return _SIDES[str(found[0].ConceptCodeSequence[0].CodeValue)] if found else None


def _number(item: Dataset, table: Mapping[_Key, Measured], *, drawn: bool = False) -> tuple[_Key, float]:
    """Return the quantity that concept, unit and derivation name, and its value; drawn ones have none below them."""
    measured = item.MeasuredValueSequence[0]
    below = item.get("ContentSequence") or []
    derivations = [str(c.ConceptCodeSequence[0].CodeValue) for c in _named(below, codes.DERIVATION.value)]
    unit = str(measured.MeasurementUnitsCodeSequence[0].CodeValue)
    for name, how in table.items():
        wanted = [how.derivation.value] if how.derivation is not None and not drawn else []
        if (_name(item), unit, derivations) == (how.concept.value, how.unit.value, wanted):
            return name, float(measured.get("FloatingPointValue", measured.NumericValue))
    raise OurMistake("SELF-CHECK", "the report holds a number that is not one of ours")


def _line(item: Dataset) -> ReportedLine | None:
    """Return the line below a number, None where nothing is drawn."""
    drawn = [child for child in item.get("ContentSequence") or [] if child.ValueType == "SCOORD"]
    if not drawn:
        return None
    ax, ay, bx, by = (float(v) for v in drawn[0].GraphicData)
    sop = drawn[0].ContentSequence[0].ReferencedSOPSequence[0]
    return ReportedLine(
        ((ax, ay), (bx, by)), str(sop.ReferencedSOPInstanceUID), int(sop.get("ReferencedFrameNumber", 1))
    )


def _name(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeValue)


def _named(items: Iterable[Dataset], value: str) -> list[Dataset]:
    return [item for item in items if _name(item) == value]


def _one(items: Iterable[Dataset], value: str) -> Dataset:
    found = _named(items, value)
    if len(found) != 1:
        raise OurMistake("SELF-CHECK", f"a group has {len(found)} items of code {value} where one is needed")
    return found[0]
