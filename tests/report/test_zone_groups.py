"""Zones of the lungs in the report: a group each, side and zone in the site, every number checked against the SEG."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import dcmread

from node.errors import Affects, Code, OurMistake, refuse
from node.measure.quantity import Name, Side
from node.measure.zones import measure_zones
from node.report.check import self_check
from node.report.encode import ReportInput, encode_results
from node.report.report_numbers import read_groups
from tests.report.conftest import CaseMaker, children, groups_of
from tests.report.lesion_case import lesion_case
from tests.report.test_validators import not_allowed

ZONES = {"281392002": "upper", "281393007": "middle", "281394001": "lower"}


@pytest.fixture
def case(maker: CaseMaker) -> ReportInput:
    made = lesion_case(maker)
    zones = measure_zones(made.volume, made.segmentation, ())
    return replace(made, quantities=(*made.quantities, *zones))


def check(case: ReportInput, objects: tuple) -> None:
    self_check(objects, case.volume, case.segmentation, case.quantities, case.lesions)


def test_each_zone_of_each_side_has_a_group_with_its_numbers(case: ReportInput, out: Path) -> None:
    objects = encode_results(case, out)
    check(case, objects)
    report = dcmread(objects[1].path)
    groups = [g for g in read_groups(report) if g.is_lung and g.zone is not None]

    assert {(g.side, g.zone.value) for g in groups} == {(side, zone) for side in Side for zone in ZONES.values()}
    given = {(q.side, q.zone, q.name): q.value for q in case.quantities if q.zone is not None}
    for group in groups:
        assert set(group.values) == set(Name) - {Name.LUNG_VOLUME}
        for name, value in group.values.items():
            assert value == pytest.approx(given[group.side, group.zone.value, name], rel=1e-6)
    assert len({g.tracking_uid for g in read_groups(report) if g.is_lung}) == 3 + 9
    assert not_allowed(objects[1].path) == []


def test_the_site_is_the_lung_with_side_and_zone_and_every_number_has_a_child(case: ReportInput, out: Path) -> None:
    report = dcmread(encode_results(case, out)[1].path)
    lungs = [g for g in groups_of(report) if children(g, "121071")[0].ConceptCodeSequence[0].CodeValue == "39607008"]
    zoned = [g for g in lungs if any(c.CodeValue in ZONES for c in _modifiers(g))]
    assert len(zoned) == 9
    for group in zoned:
        (site,) = children(group, "363698007")
        assert site.ConceptCodeSequence[0].CodeValue == "39607008"
        assert all(n.ContentSequence for n in group.ContentSequence if n.ValueType == "NUM")
        first_uid = next(c for c in group.ContentSequence if c.ValueType == "UIDREF")
        assert first_uid.ConceptNameCodeSequence[0].CodeValue == "112040"


def _modifiers(group: object) -> list:
    (site,) = children(group, "363698007")
    return [c.ConceptCodeSequence[0] for c in site.get("ContentSequence") or []]


def test_a_zone_without_any_number_has_no_group(case: ReportInput, out: Path) -> None:
    reason = refuse(Code.ACQ_CONTRAST, "contrast", Affects.DENSITY)
    withheld = tuple(q if q.zone is None else replace(q, value=None, refused_by=(reason,)) for q in case.quantities)
    objects = encode_results(replace(case, quantities=withheld), out)
    check(replace(case, quantities=withheld), objects)
    assert [g for g in read_groups(dcmread(objects[1].path)) if g.is_lung and g.zone is not None] == []


def swapped(quantities: tuple) -> tuple:
    """Give the upper zone's numbers to the lower one."""
    other = {"upper": "lower", "lower": "upper"}
    return tuple(q if q.zone is None else replace(q, zone=other.get(q.zone, q.zone)) for q in quantities)


def test_numbers_of_another_zone_are_noticed_before_anything_leaves(case: ReportInput, out: Path) -> None:
    wrong = replace(case, quantities=swapped(case.quantities))
    with pytest.raises(OurMistake, match="SEG"):
        check(wrong, encode_results(wrong, out))


def test_a_zone_that_is_missing_in_the_report_is_noticed(case: ReportInput, out: Path) -> None:
    fewer = replace(case, quantities=tuple(q for q in case.quantities if q.zone != "upper"))
    with pytest.raises(OurMistake, match="upper"):
        check(case, encode_results(fewer, out))
