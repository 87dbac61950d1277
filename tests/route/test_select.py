"""Which series of a study become cases, and why the others do not."""

import random
from dataclasses import replace

import pytest

from node.errors import Code, Severity
from node.facts.series import SeriesFacts
from node.route.case import Known, Role
from node.route.rules import load_routes, parse_routes
from node.route.select import select
from node.route.studies import select_among

DEFAULT = load_routes(None)
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
SC = "1.2.840.10008.5.1.4.1.1.7"


def codes(selection, uid):
    return [
        reason.code
        for passed in selection.passed
        if passed.series.series_instance_uid == uid
        for reason in passed.reasons
    ]


GATES = {
    "MR": ({"modality": "MR"}, Code.RT_MODALITY),
    "dose report": ({"modality": "SR", "sop_class_uid": "1.2.840.10008.5.1.4.1.1.88.67"}, Code.RT_MODALITY),
    "CT class, modality SEG": ({"modality": "SEG"}, Code.RT_MODALITY),
    "secondary capture": ({"sop_class_uid": SC}, Code.RT_SOP),
    "no SOP class": ({"sop_class_uid": ""}, Code.RT_SOP),
    "scout": ({"image_type": ("ORIGINAL", "PRIMARY", "LOCALIZER")}, Code.RT_LOCALIZER),
    "MPR by image type": ({"image_type": ("DERIVED", "SECONDARY", "MPR")}, Code.RT_DERIVED),
    "MPR within a value": ({"image_type": ("DERIVED", "PRIMARY", "AXIAL", "CSA MPR")}, Code.RT_DERIVED),
    "MIP by image type": ({"image_type": ("DERIVED", "PRIMARY", "AXIAL", "MIP")}, Code.RT_DERIVED),
    "MPR by code": ({"derivation_codes": ("113072",)}, Code.RT_DERIVED),
    "MIP by code": ({"derivation_codes": ("113078",)}, Code.RT_DERIVED),
    "head": ({"body_part_examined": "HEAD", "study_description": "CT brain"}, Code.RT_BODY),
    "our equipment": ({"manufacturer": "lungnode", "manufacturer_model_name": "lungnode"}, Code.RT_OWN),
}
GOES_ON = {
    "plain": {},
    "no modality": {"modality": ""},
    "no image type": {"image_type": ()},
    "derived axial": {"image_type": ("DERIVED", "PRIMARY", "AXIAL")},
    "lossy derivation": {"derivation_codes": ("113040",)},
    "one header says head": {"body_part_examined": "HEAD"},
    "two say head, one chest": {
        "body_part_examined": "HEAD",
        "study_description": "head",
        "series_description": "Thorax 1.0",
    },
    "breast on an abdomen": {"body_part_examined": "BREAST", "study_description": "abdomen"},
    "no header says anything": {"body_part_examined": ""},
    "enhanced": {"sop_class_uid": ENHANCED_CT},
}


@pytest.mark.parametrize("name", GATES)
def test_what_is_of_no_interest_is_skipped_with_its_code(name, series):
    changes, code = GATES[name]

    selection = select([series(**changes)], DEFAULT, Known())

    assert selection.cases == ()
    assert codes(selection, "1.2.3") == [code]
    assert selection.passed[0].role is Role.SKIPPED


@pytest.mark.parametrize("name", GOES_ON)
def test_what_may_be_a_chest_ct_goes_on(name, series):
    selection = select([series(**GOES_ON[name])], DEFAULT, Known())

    assert [case.route for case in selection.cases] == ["default"]


def test_our_own_result_is_known_by_its_uid_whatever_it_says(series):
    selection = select([series(n=1)], DEFAULT, Known(own_uids={"1.2.3.1"}))

    assert codes(selection, "1.2.3") == [Code.RT_OWN]


def test_one_scout_inside_an_axial_series_does_not_cost_the_series(series):
    axial = series()
    scout = replace(axial.files[0].facts, image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"))
    mixed = SeriesFacts((replace(axial.files[0], facts=scout), *axial.files[1:]))

    assert len(select([mixed], DEFAULT, Known()).cases) == 1


def test_a_rejected_instance_refuses_its_series(series):
    selection = select([series()], DEFAULT, Known(rejected_uids={"1.2.3.7"}))

    assert codes(selection, "1.2.3") == [Code.ID_REJECTED]
    assert selection.passed[0].role is Role.REFUSED


@pytest.mark.parametrize(
    "other", [{"patient_id": "8"}, {"issuer_of_patient_id": "x"}, {"birth_date": "19610102"}, {"sex": "M"}], ids=repr
)
def test_two_patients_in_a_study_refuse_all_of_it(other, series):
    base = {"issuer_of_patient_id": "y"}
    study = [series(patient=base), series("1.2.4", patient=base | other)]

    selection = select(study, DEFAULT, Known())

    assert selection.cases == ()
    assert [codes(selection, uid) for uid in ("1.2.3", "1.2.4")] == [[Code.ID_MIXPAT], [Code.ID_MIXPAT]]
    assert all(passed.role is Role.REFUSED for passed in selection.passed)
    assert "1961" not in selection.passed[0].reasons[0].text


@pytest.mark.parametrize(
    ("name", "known"),
    [("by its UID", {"own_uids": {"1.2.4.1"}}), ("by its equipment", {})],
    ids=str,
)
@pytest.mark.parametrize("former", [{"patient_id": "8"}, {"patient_name": "A^C"}], ids=repr)
def test_our_own_result_under_a_former_identity_does_not_mix_the_study(name, known, former, series):
    equipment = (
        {"manufacturer": "lungnode", "manufacturer_model_name": "lungnode"} if name == "by its equipment" else {}
    )
    ours = series("1.2.4", n=1, patient=former, modality="SEG", **equipment)

    selection = select([series(), ours], DEFAULT, Known(**known))

    assert [case.reasons for case in selection.cases] == [()]
    assert codes(selection, "1.2.4") == [Code.RT_OWN]


def test_our_own_result_in_a_study_of_two_patients_is_still_ours(series):
    study = [series(), series("1.2.4", patient={"patient_id": "8"}), series("1.2.5", n=1)]

    selection = select(study, DEFAULT, Known(own_uids={"1.2.5.1"}))

    assert [codes(selection, uid) for uid in ("1.2.3", "1.2.4", "1.2.5")] == [
        [Code.ID_MIXPAT], [Code.ID_MIXPAT], [Code.RT_OWN]
    ]  # fmt: skip


def test_a_missing_birth_date_contradicts_nothing(series):
    study = [series(), series("1.2.4", patient={"birth_date": ""}, modality="SR")]

    assert len(select(study, DEFAULT, Known()).cases) == 1


@pytest.mark.parametrize(("name", "warned"), [("A^C", True), ("a^b^", False), ("A^B=x^y", False)])
def test_another_spelling_of_the_name_only_warns(name, warned, series):
    study = [series(), series("1.2.4", patient={"patient_name": name}, modality="SR")]

    (case,) = select(study, DEFAULT, Known()).cases

    assert [(r.code, r.severity) for r in case.reasons] == [(Code.ID_MIXPAT, Severity.WARN)] * warned


def test_one_series_uid_in_two_studies_is_refused_in_both(series):
    answered = select_among([series(), series(study_instance_uid="1.7")], DEFAULT, Known())

    assert answered.selection.cases == ()
    assert codes(answered.selection, "1.2.3") == [Code.ID_MIXSTUDY] * 2


BETTER = {
    "soft before sharp": ({}, {"convolution_kernel": ("B70f",)}, "density"),
    "soft before sharp in thick slices": (
        {"geometry": {"slice_thickness_mm": 8.0}},
        {"geometry": {"slice_thickness_mm": 8.0}, "convolution_kernel": ("B70f",)},
        "soft",
    ),
    "thin before thick": ({}, {"geometry": {"slice_thickness_mm": 2.0}}, "thin"),
    "without contrast": ({}, {"contrast_bolus_agent": "X"}, "density"),
    "thick but whole before few slices": ({"geometry": {"slice_thickness_mm": 5.0}}, {"n": 10}, "large-enough"),
    "wide before narrow": ({"convolution_kernel": ("B70f",)}, {"n": 50}, "widest"),
    "original before derived": ({}, {"image_type": ("DERIVED", "PRIMARY", "AXIAL")}, "original"),
    "more slices": ({"n": 110}, {}, "more-slices"),
    "lower series number": ({}, {"series_number": 4}, "lower series number"),
}


@pytest.mark.parametrize("name", BETTER)
@pytest.mark.parametrize("turned", [False, True])
def test_of_several_reconstructions_the_better_is_taken_and_the_other_told_why(name, turned, series):
    good, bad, rule = BETTER[name]
    best, other = series("1.2.9" if turned else "1.2.4", **good), series("1.2.5", **bad)
    study = [other, best] if turned else [best, other]

    selection = select(study, DEFAULT, Known())

    assert [case.anchor.series_instance_uid for case in selection.cases] == [best.series_instance_uid]
    (passed,) = selection.passed
    assert (passed.role, passed.reasons[0].code) == (Role.PASSED_OVER, Code.RT_PASSED)
    assert passed.reasons[0].text == (
        f"another reconstruction of the same scan was chosen by the rule {rule!r}: series {best.series_instance_uid}"
    )


def without(series: SeriesFacts, *numbers: int) -> SeriesFacts:
    """The series without some of its slices."""
    names = {f"{series.series_instance_uid}.{number}" for number in numbers}
    return SeriesFacts(tuple(file for file in series.files if file.facts.sop_instance_uid not in names))


def twice(series: SeriesFacts) -> SeriesFacts:
    """The series with two images at each place, as of two phases."""
    again = tuple(
        replace(file, facts=replace(file.facts, sop_instance_uid=f"{file.facts.sop_instance_uid}.2"))
        for file in series.files
    )
    return SeriesFacts((*series.files, *again))


SPOILT = {"gap": lambda s: without(s, 40, 41), "one slice missing": lambda s: without(s, 7), "two phases": twice}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("prefer", ["", 'prefer = ["density", "thin"]'], ids=["default", "own-list"])
def test_a_whole_thick_series_wins_over_a_thin_one_that_would_be_refused(spoil, prefer, series):
    routes = parse_routes(f'[[route]]\nname="a"\n{prefer}', "x")
    thin = spoil(series("1.2.4", n=300, step_mm=1.0))
    thick = series("1.2.5", n=60, step_mm=5.0, geometry={"slice_thickness_mm": 5.0})

    selection = select([thin, thick], routes, Known())

    assert [case.anchor.series_instance_uid for case in selection.cases] == ["1.2.5"]
    assert "by the rule 'whole'" in selection.passed[0].reasons[0].text


def test_the_length_of_what_would_be_refused_is_no_measure_for_others(series):
    long = without(series("1.2.4", n=600, step_mm=1.0), 300)
    apex = series("1.2.5", n=100, step_mm=1.0)
    thorax = series("1.2.6", n=60, step_mm=5.0, geometry={"slice_thickness_mm": 5.0})

    assert select([long, apex, thorax], DEFAULT, Known()).cases[0].anchor == thorax


@pytest.mark.parametrize(
    ("spoil", "is_awaited"), [(lambda s: without(s, 40), True), (twice, False), (lambda s: s, False)],
    ids=["gap", "two-phases", "whole"],
)  # fmt: skip
def test_a_series_that_lacks_slices_alone_to_be_taken_is_awaited(spoil, is_awaited, series):
    thin = spoil(series("1.2.4", n=300, step_mm=1.0))
    thick = series("1.2.5", n=60, step_mm=5.0, geometry={"slice_thickness_mm": 5.0})

    (case,) = select([thin, thick], DEFAULT, Known()).cases

    assert case.awaited == (thin if is_awaited else None)


def test_a_thick_series_that_lacks_slices_is_not_awaited(series):
    thin = series("1.2.4", n=300, step_mm=1.0)
    thick = without(series("1.2.5", n=60, step_mm=5.0, geometry={"slice_thickness_mm": 5.0}), 30)

    assert select([thin, thick], DEFAULT, Known()).cases[0].awaited is None


@pytest.mark.parametrize("n", [50, 100], ids=["shorter", "as-long"])
def test_a_reformat_that_no_header_calls_derived_does_not_win(n, series):
    axial = series("1.2.5", n=n, geometry={"slice_thickness_mm": 3.0})
    along_y = series("1.2.4", n=120, geometry={"image_orientation": (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)})
    coronal = SeriesFacts(
        tuple(
            replace(file, facts=replace(file.facts, geometry=replace(place, image_position_lps_mm=(0.0, z, 0.0))))
            for file in along_y.files
            for place in (file.facts.geometry,)
            for _, _, z in (place.image_position_lps_mm,)
        )
    )

    (case,) = select([axial, coronal], DEFAULT, Known()).cases

    assert case.anchor.series_instance_uid == "1.2.5"


@pytest.mark.parametrize(
    "other",
    [
        {"geometry": {"frame_of_reference_uid": "1.2.10"}},
        {"acquisition_number": 5},
        {"acquisition_datetime": "20200102110000"},
    ],
    ids=repr,
)
def test_another_acquisition_is_called_another_scan(other, series):
    study = [series("1.2.4", acquisition_datetime="20200102100000"), series("1.2.5", n=90, **other)]

    (passed,) = select(study, DEFAULT, Known()).passed

    assert passed.reasons[0].text.startswith("another scan of the same study")


def test_the_answer_does_not_depend_on_the_order_of_the_series(series, pet):
    study = [series(f"1.2.{i}", convolution_kernel=("B40f" if i % 2 else "B70f",)) for i in range(3, 9)]
    study += [pet("1.2.20"), series("1.2.21", modality="SR")]
    expected = select(study, DEFAULT, Known())

    for seed in range(20):
        random.Random(seed).shuffle(study)
        assert select(study, DEFAULT, Known()) == expected


def test_every_series_stands_in_exactly_one_place(series, pet):
    study = [
        series("1.2.3"),
        series("1.2.4"),
        pet("1.2.5"),
        pet("1.2.6", pet_units="PROPCNTS"),
        series("1.2.7", modality="MR"),
    ]

    selection = select(study, DEFAULT, Known())

    placed = [s for case in selection.cases for s in (case.anchor, *case.partners)]
    placed += [passed.series for passed in selection.passed]
    assert sorted(s.series_instance_uid for s in placed) == sorted(s.series_instance_uid for s in study)


def test_the_corrected_pet_of_the_same_frame_of_reference_is_the_partner(series, pet):
    study = [series(), pet("1.2.6", series_description="PET NAC"), pet("1.2.7"), pet("1.2.5", pet_units="PROPCNTS")]

    selection = select(study, DEFAULT, Known())

    assert [p.series_instance_uid for p in selection.cases[0].partners] == ["1.2.7"]
    assert (codes(selection, "1.2.5"), codes(selection, "1.2.6")) == ([Code.RT_PASSED], [Code.RT_PASSED])


@pytest.mark.parametrize("frame", ["", "1.2.10"])
def test_a_pet_without_a_ct_of_its_frame_of_reference_has_no_pair(frame, series, pet):
    lone = pet(geometry={"frame_of_reference_uid": frame})

    assert codes(select([series(), lone], DEFAULT, Known()), "1.2.8") == [Code.RT_NOPAIR]
    assert codes(select([lone], DEFAULT, Known()), "1.2.8") == [Code.RT_NOPAIR]


def test_an_uncorrected_pet_beside_its_ct_is_no_partner(series, pet):
    selection = select([series(), pet(pet_units="PROPCNTS")], DEFAULT, Known())

    assert selection.cases[0].partners == ()
    assert codes(selection, "1.2.8") == [Code.PT_NAC]


def test_a_route_may_leave_the_pet(series, pet):
    selection = select([series(), pet()], parse_routes('[[route]]\nname="a"\npet=false\n', "x"), Known())

    assert selection.cases[0].partners == ()
    assert codes(selection, "1.2.8") == [Code.RT_NOROUTE]


def test_a_lone_uncorrected_pet_says_both(pet):
    assert codes(select([pet(corrected_image=("DECY",))], DEFAULT, Known()), "1.2.8") == [Code.RT_NOPAIR, Code.PT_NAC]


TWO = """
[[route]]
name = "research"
lungs = "none"
priority = "urgent"
[route.when]
called_ae = "RESEARCH"

[[route]]
name = "clinic"
destinations = ["pacs"]
[route.when]
series_description = { contains = "thorax" }
"""


def test_the_called_title_and_the_order_of_routes_decide(series):
    known = Known(called_ae="RESEARCH", tasks={"lungs", "lesions"}, lesions="unet")

    selection = select([series(series_description="Thorax")], parse_routes(TWO, "x"), known)

    (case,) = selection.cases
    assert (case.route, case.lungs, case.lesions, case.priority) == ("research", None, "unet", "urgent")


def test_a_route_whose_models_are_not_installed_is_passed_by(series):
    known = Known(called_ae="RESEARCH", tasks={"lungs"}, lungs="lungs-rule")

    (case,) = select([series(series_description="Thorax")], parse_routes(TWO, "x"), known).cases

    assert (case.route, case.lungs, case.lesions, case.destinations) == ("clinic", "lungs-rule", None, ("pacs",))


def test_where_no_rule_applies_every_rule_is_named(series):
    selection = select([series()], parse_routes(TWO, "x"), Known(called_ae="OTHER"))

    (reason,) = selection.passed[0].reasons
    assert reason.code is Code.RT_NOROUTE
    assert "'research' does not apply: called_ae" in reason.text
    assert "'clinic' does not apply: series_description contains thorax cannot be decided" in reason.text


def test_without_any_model_there_is_no_route(series):
    assert codes(select([series()], DEFAULT, Known(tasks=frozenset())), "1.2.3") == [Code.RT_NOROUTE]


def test_no_analysis_is_made_twice_in_a_study(series):
    routes = parse_routes('[[route]]\nname="a"\n[route.when]\nkernel="sharp"\n[[route]]\nname="b"\n', "x")
    study = [series("1.2.3", convolution_kernel=("B70f",)), series("1.2.4")]

    selection = select(study, routes, Known())

    assert [(case.route, case.anchor.series_instance_uid) for case in selection.cases] == [("a", "1.2.3")]
    assert codes(selection, "1.2.4") == [Code.RT_PASSED]


NEWER = {
    "date": ({"study_date": "20200101", "study_time": "235959"}, {"study_date": "20200102", "study_time": ""}),
    "time": ({"study_time": "0915"}, {"study_time": "091501.5"}),
    "slices": ({"n": 99}, {"n": 100}),
    "uid": ({"study_instance_uid": "1.8"}, {"study_instance_uid": "1.7"}),
}


@pytest.mark.parametrize("name", NEWER)
def test_a_folder_with_two_studies_is_answered_for_the_newer(name, series):
    old, new = NEWER[name]
    older = series("1.2.3", **({"study_instance_uid": "1.3"} | old))
    newer = series("1.2.4", **({"study_instance_uid": "1.4"} | new))

    answered = select_among([older, newer], DEFAULT, Known())

    assert answered.study_instance_uid == newer.study_instance_uid
    assert [case.anchor for case in answered.selection.cases] == [newer]
    assert codes(answered.selection, "1.2.3") == [Code.RT_STUDY]


def test_a_newer_study_with_nothing_to_analyse_does_not_win(series):
    older = series("1.2.3")
    newer = series("1.2.4", study_instance_uid="1.4", study_date="20250101", modality="MR")

    assert select_among([older, newer], DEFAULT, Known()).study_instance_uid == "1.2"


def test_a_folder_with_nothing_to_analyse_is_answered_for_no_study(series):
    assert select_among([series(modality="MR")], DEFAULT, Known()).study_instance_uid is None
    assert select_among([], DEFAULT, Known()).study_instance_uid is None


def test_among_reconstructions_the_lowest_series_number_is_taken_and_recorded(series, pet):
    (case,) = select([series(), pet("1.2.6", series_number=9), pet("1.2.7", series_number=4)], DEFAULT, Known()).cases
    assert [p.series_instance_uid for p in case.partners] == ["1.2.7"]
    assert [r.code for r in case.partner_reasons] == [Code.PT_MULTI]
    assert "series 4 was taken" in case.partner_reasons[0].text


@pytest.mark.parametrize(("earl", "taken"), [(False, "1.2.6"), (True, "1.2.7")])
def test_a_harmonising_site_gets_the_reconstruction_without_resolution_modelling(series, pet, earl, taken):
    sharp = pet("1.2.6", series_number=3, series_description="PET WB TrueX+TOF")
    plain = pet("1.2.7", series_number=4, series_description="PET WB OSEM")
    (case,) = select([series(), sharp, plain], DEFAULT, Known(earl=earl)).cases
    assert [p.series_instance_uid for p in case.partners] == [taken]
    assert ("resolution modelling" in case.partner_reasons[0].text) == earl


def test_a_single_corrected_reconstruction_is_no_choice(series, pet):
    (case,) = select([series(), pet("1.2.6"), pet("1.2.7", pet_units="PROPCNTS")], DEFAULT, Known()).cases
    assert case.partner_reasons == ()
