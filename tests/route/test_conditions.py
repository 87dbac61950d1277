"""Conditions have three answers, and a missing tag is never a "no"."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.route.case import Known
from node.route.conditions import Condition, Matched, NotMatched, Undecidable, ask
from node.route.route import judge
from node.route.rules import parse_routes
from node.route.vocabulary import NUMBERS, TEXTS, Fact

KNOWN = Known(called_ae="LUNG2", calling_ae="PACS")

TABLE = [
    (Condition(Fact.MODALITY, one_of=("CT",)), Matched("CT")),
    (Condition(Fact.SOP_CLASS, one_of=("ENHANCED-CT",)), NotMatched("CT")),
    (Condition(Fact.IMAGE_TYPE, one_of=("AXIAL",)), Matched("ORIGINAL\\PRIMARY\\AXIAL")),
    (Condition(Fact.IMAGE_TYPE, none_of=("PRIMARY",)), NotMatched("ORIGINAL\\PRIMARY\\AXIAL")),
    (Condition(Fact.BODY_PART, one_of=("chest", "lung")), Matched("CHEST")),
    (Condition(Fact.STUDY_DESCRIPTION, contains=("chest",)), Undecidable(Fact.STUDY_DESCRIPTION)),
    (Condition(Fact.SERIES_DESCRIPTION, contains=("THIN",)), Matched("1.0 thin B40")),
    (Condition(Fact.SERIES_DESCRIPTION, contains_none=("b40",)), NotMatched("1.0 thin B40")),
    (Condition(Fact.SERIES_DESCRIPTION, contains=("thick",)), NotMatched("1.0 thin B40")),
    (Condition(Fact.MANUFACTURER, contains=("siemens",)), Matched("SIEMENS")),
    (Condition(Fact.KERNEL, one_of=("soft",)), Matched("soft")),
    (Condition(Fact.THICKNESS_MM, at_most=1.0), Matched("1")),
    (Condition(Fact.THICKNESS_MM, at_least=1.1), NotMatched("1")),
    (Condition(Fact.INSTANCES, at_least=100, at_most=100), Matched("100")),
    (Condition(Fact.CALLED_AE, one_of=("LUNG2",)), Matched("LUNG2")),
    (Condition(Fact.CALLING_AE, one_of=("MODALITY",)), NotMatched("PACS")),
    (Condition(Fact.PATIENT_AGE_YEARS, at_least=18), Matched("60")),
    (Condition(Fact.PROTOCOL, contains=("x",)), Undecidable(Fact.PROTOCOL)),
]


@pytest.mark.parametrize(("condition", "answer"), TABLE, ids=str)
def test_a_condition_answers_with_what_it_saw(condition, answer, series):
    assert ask(condition, series(series_description="1.0 thin B40"), KNOWN) == answer


EMPTY = {
    "modality": "",
    "sop_class_uid": "",
    "image_type": (),
    "body_part_examined": "",
    "manufacturer": "",
    "convolution_kernel": (),
    "patient": {"age_years": None},
    "geometry": {"slice_thickness_mm": None},
}


@pytest.mark.parametrize("fact", [fact for fact in Fact if fact is not Fact.INSTANCES])
def test_what_the_headers_do_not_say_is_undecidable(fact, series):
    condition = Condition(fact, at_least=1) if fact in NUMBERS else Condition(fact, one_of=("x",))

    assert ask(condition, series(**EMPTY), Known()) == Undecidable(fact)


def test_a_kernel_that_no_list_names_is_undecidable(series):
    condition = Condition(Fact.KERNEL, one_of=("soft",))

    assert ask(condition, series(convolution_kernel=("NEW1",)), KNOWN) == Undecidable(Fact.KERNEL)


@given(words=st.lists(st.text(min_size=1), min_size=1), seen=st.text(), fact=st.sampled_from(sorted(TEXTS)))
def test_a_text_condition_ends_in_one_of_three_answers_and_its_opposite_disagrees(words, seen, fact, series):
    field = {Fact.PROTOCOL: "protocol_name"}.get(fact, str(fact))
    made = series(n=1, **{field: seen})

    answer = ask(Condition(fact, contains=tuple(words)), made, KNOWN)
    opposite = ask(Condition(fact, contains_none=tuple(words)), made, KNOWN)

    kinds = {type(answer), type(opposite)}
    assert kinds in ({Undecidable}, {Matched, NotMatched})


ROUTE = '[[route]]\nname = "a"\n{}[route.when]\nbody_part = "CHEST"\nprotocol = {{ contains = "x" }}\n'


@pytest.mark.parametrize(
    ("unknown", "body_part", "takes"),
    [("", "CHEST", False), ('unknown = "take"\n', "CHEST", True), ('unknown = "take"\n', "HEAD", False)],
)
def test_an_undecided_route_takes_only_where_it_says_so_and_a_no_always_wins(unknown, body_part, takes, series):
    (route,) = parse_routes(ROUTE.format(unknown), "x").routes

    assert judge(route, series(body_part_examined=body_part), KNOWN).takes is takes


def test_the_line_about_a_route_names_conditions_but_no_values_of_headers(series):
    (route,) = parse_routes(ROUTE.format(""), "x").routes

    text = str(judge(route, series(body_part_examined="SECRET"), KNOWN))

    assert "body_part one_of CHEST is wanted" in text
    assert "protocol is missing" in text
    assert "SECRET" not in text
