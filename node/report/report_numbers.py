"""Read the numbers of a written report back: groups with side, tracking and values, by the codes in the file."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydicom.dataset import Dataset

from node.errors import OurMistake
from node.measure.quantity import Name, Side
from node.report import codes
from node.report.measured import MEASURED

_SIDES = {codes.RIGHT.value: Side.RIGHT, codes.LEFT.value: Side.LEFT, codes.BILATERAL.value: Side.BOTH}


@dataclass(frozen=True, slots=True)
class ReportedGroup:
    """One measurement group as it stands in the file. `segment_number` is None where it points to no segment."""

    side: Side
    tracking_id: str
    tracking_uid: str
    segment_number: int | None
    values: dict[Name, float]


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
    laterality = _one(site.ContentSequence, codes.LATERALITY.value).ConceptCodeSequence[0].CodeValue
    return ReportedGroup(
        side=_SIDES[str(laterality)],
        tracking_id=str(_one(children, codes.TRACKING_IDENTIFIER.value).TextValue),
        tracking_uid=str(_one(children, codes.TRACKING_UID.value).UID),
        segment_number=segments[0] if segments else None,
        values=dict(_number(child) for child in children if child.ValueType == "NUM"),
    )


def _number(item: Dataset) -> tuple[Name, float]:
    """Return the quantity that concept, unit and derivation name, and its value."""
    measured = item.MeasuredValueSequence[0]
    derivations = [
        str(c.ConceptCodeSequence[0].CodeValue) for c in _named(item.ContentSequence, codes.DERIVATION.value)
    ]
    unit = str(measured.MeasurementUnitsCodeSequence[0].CodeValue)
    for name, how in MEASURED.items():
        wanted = [how.derivation.value] if how.derivation is not None else []
        if (_name(item), unit, derivations) == (how.concept.value, how.unit.value, wanted):
            return name, float(measured.get("FloatingPointValue", measured.NumericValue))
    raise OurMistake("SELF-CHECK", "the report holds a number that is not one of ours")


def _name(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeValue)


def _named(items: Iterable[Dataset], value: str) -> list[Dataset]:
    return [item for item in items if _name(item) == value]


def _one(items: Iterable[Dataset], value: str) -> Dataset:
    found = _named(items, value)
    if len(found) != 1:
        raise OurMistake("SELF-CHECK", f"a group has {len(found)} items of code {value} where one is needed")
    return found[0]
