"""Read the numbers of a written report back: groups with side, tracking and values, by the codes in the file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydicom.dataset import Dataset

from node.errors import OurMistake
from node.measure.lesions.location import Zone
from node.measure.quantity import Name, Side
from node.report import codes
from node.report.lesion_measured import LESION_MEASURED, LesionName
from node.report.measured import MEASURED, Measured
from node.report.pet_measured import PET_MEASURED, PetName

_Key = TypeVar("_Key", Name, LesionName)

_PET_CONCEPTS = frozenset(how.concept.value for how in PET_MEASURED.values())
_ZONES = {
    codes.UPPER_ZONE.value: Zone.UPPER,
    codes.MIDDLE_ZONE.value: Zone.MIDDLE,
    codes.LOWER_ZONE.value: Zone.LOWER,
}
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
    zone: Zone | None = None


@dataclass(frozen=True, slots=True)
class ReportedUptake:
    """A group with numbers of a PET as it stands in the file; `segment_number` is None where it points to none."""

    tracking_id: str
    tracking_uid: str
    segment_number: int | None
    values: dict[PetName, float]


def read_uptakes(report: Dataset) -> tuple[ReportedUptake, ...]:
    """Return the groups with numbers of a PET; it raises as `read_groups` does."""
    return tuple(_uptake(item) for item in _measurement_groups(report) if _is_of_pet(item))


def read_groups(report: Dataset) -> tuple[ReportedGroup, ...]:
    """Return the measurement groups of a TID 1500 report, but for those of a PET.

    Raises
    ------
    OurMistake
        SELF-CHECK where the tree is not what we write.
    """
    return tuple(_group(item) for item in _measurement_groups(report) if not _is_of_pet(item))


def _measurement_groups(report: Dataset) -> list[Dataset]:
    measurements = [item for item in report.ContentSequence if _name(item) == codes.IMAGING_MEASUREMENTS.value]
    if len(measurements) != 1:
        raise OurMistake("SELF-CHECK", "the report has not exactly one container of measurements")
    return [i for i in measurements[0].ContentSequence if _name(i) == codes.MEASUREMENT_GROUP.value]


def _is_of_pet(group: Dataset) -> bool:
    """Tell a group of a PET by the concept of a number in it."""
    return any(child.ValueType == "NUM" and _name(child) in _PET_CONCEPTS for child in group.ContentSequence)


def _uptake(group: Dataset) -> ReportedUptake:
    children = list(group.ContentSequence)
    return ReportedUptake(
        tracking_id=str(_one(children, codes.TRACKING_IDENTIFIER.value).TextValue),
        tracking_uid=str(_one(children, codes.TRACKING_UID.value).UID),
        segment_number=_segment_number(children),
        values=dict(_pet_number(item) for item in children if item.ValueType == "NUM"),
    )


def _pet_number(item: Dataset) -> tuple[PetName, float]:
    """Return the number that concept, unit, method and derivation name, and its value."""
    measured = item.MeasuredValueSequence[0]
    unit = _code_value(measured.MeasurementUnitsCodeSequence[0])
    below = {_name(c): str(c.ConceptCodeSequence[0].CodeValue) for c in item.ContentSequence if c.ValueType == "CODE"}
    for name, how in PET_MEASURED.items():
        wanted = {codes.MEASUREMENT_METHOD.value: how.method, codes.DERIVATION.value: how.derivation}
        said = {concept: code.value for concept, code in wanted.items() if code is not None}
        if (_name(item), unit, below) == (how.concept.value, how.unit.value, said):
            return name, float(measured.get("FloatingPointValue", measured.NumericValue))
    raise OurMistake("SELF-CHECK", "the report holds a number of a PET that is not one of ours")


def _code_value(code: Dataset) -> str:
    """Return the value of a code; one of more than 16 characters stands in an attribute of its own (PS3.3 8.1)."""
    return str(code.CodeValue if "CodeValue" in code else code.LongCodeValue)


def _segment_number(children: Iterable[Dataset]) -> int | None:
    named = _named(children, codes.REFERENCED_SEGMENT.value)
    return int(named[0].ReferencedSOPSequence[0].ReferencedSegmentNumber) if named else None


def _group(group: Dataset) -> ReportedGroup:
    children = list(group.ContentSequence)
    finding = _one(children, codes.FINDING.value).ConceptCodeSequence[0].CodeValue
    is_lung = str(finding) == codes.LUNG.value
    has_site = is_lung or _named(children, codes.FINDING_SITE.value)  # of a lesion only where it has a side
    site = _one(children, codes.FINDING_SITE.value) if has_site else Dataset()
    numbers = [child for child in children if child.ValueType == "NUM"]
    drawn = [(item, _line(item)) for item in numbers if not is_lung]
    of_lesion = [(_number(item, LESION_MEASURED, drawn=line is not None), line) for item, line in drawn]
    return ReportedGroup(
        side=_side(site),
        is_lung=is_lung,
        tracking_id=str(_one(children, codes.TRACKING_IDENTIFIER.value).TextValue),
        tracking_uid=str(_one(children, codes.TRACKING_UID.value).UID),
        segment_number=_segment_number(children),
        values=dict(_number(item, MEASURED) for item in numbers) if is_lung else {},
        lesion_values=dict(number for number, _ in of_lesion),
        lines={name: line for (name, _), line in of_lesion if line is not None},
        zone=_zone(site),
    )


def _zone(site: Dataset) -> Zone | None:
    found = _named(site.get("ContentSequence") or [], codes.TOPOGRAPHY.value)
    return _ZONES[str(found[0].ConceptCodeSequence[0].CodeValue)] if found else None


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
