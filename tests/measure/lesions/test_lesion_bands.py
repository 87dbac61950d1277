"""Size bands: cut-offs belong to the side that the standards give them, and borderline sizes get both bands."""

import pytest

from node.measure.lesions.bands import BANDS, size_bands, tolerance_mm
from node.measure.lesions.diameter import mean_diameter_mm, one_decimal, whole
from node.measure.lesions.fleischner import fleischner
from node.measure.lesions.lung_rads import lung_rads
from node.measure.lesions.screening import NotApplicable
from node.measure.lesions.solid import NoduleType

SOLID, PART_SOLID, GLASS = NoduleType.SOLID, NoduleType.PART_SOLID, NoduleType.GROUND_GLASS


@pytest.mark.parametrize(
    ("diameter", "code"),
    [
        (0.4, "LN-B-LE10"), (10.0, "LN-B-LE10"), (11.0, "LN-B-10-20"), (20.0, "LN-B-10-20"), (21.0, "LN-B-20-30"),
        (30.0, "LN-B-20-30"), (31.0, "LN-B-30-40"), (40.0, "LN-B-30-40"), (41.0, "LN-B-40-50"), (50.0, "LN-B-40-50"),
        (51.0, "LN-B-50-70"), (70.0, "LN-B-50-70"), (71.0, "LN-B-GT70"), (120.0, "LN-B-GT70"),
    ],
)  # fmt: skip
def test_a_cut_off_belongs_to_the_lower_band(diameter, code):
    assert [band.code for band in size_bands(diameter, 0.0)] == [code]


def test_codes_fit_into_a_code_value_and_are_unique():
    assert len({band.code for band in BANDS}) == len(BANDS) == 7
    assert all(len(band.code) <= 16 for band in BANDS)


@pytest.mark.parametrize(
    ("diameter", "near", "expected"),
    [
        (29.1, 1.0, ("T1c", "T2a")), (30.0, 1.0, ("T1c", "T2a")), (30.9, 1.0, ("T1c", "T2a")), (29.0, 1.0, ("T1c",)),
        (31.0, 1.0, ("T2a",)), (28.0, 2.5, ("T1c", "T2a")), (72.0, 5.0, ("T3", "T4")), (24.0, 1.0, ("T1c",)),
    ],
)  # fmt: skip
def test_near_a_cut_off_both_bands_are_given(diameter, near, expected):
    assert tuple(band.by_size_alone for band in size_bands(diameter, near)) == expected


def test_30_4_is_borderline_by_rounding_alone():
    assert [band.by_size_alone for band in size_bands(30.4, 0.0)] == ["T1c", "T2a"]


@pytest.mark.parametrize(
    ("spacing", "tolerance"), [((1.0, 0.7, 0.7), 1.0), ((2.5, 0.7, 0.7), 2.5), ((0.5, 1.2, 0.7), 1.2)]
)
def test_borderline_is_the_largest_of_pixel_step_and_one_millimetre(spacing, tolerance):
    assert tolerance_mm(spacing) == tolerance


@pytest.mark.parametrize(("value", "rounded"), [(5.95, 6), (6.04, 6), (5.5, 6), (6.5, 7), (4.49, 4), (-3.2, -3)])
def test_whole_millimetres_are_rounded_to_the_nearest_halves_up(value, rounded):
    assert whole(value) == rounded


@pytest.mark.parametrize(("value", "rounded"), [(5.95, 6.0), (6.04, 6.0), (0.25, 0.3), (7.94, 7.9)])
def test_one_decimal_is_rounded_as_printed(value, rounded):
    assert one_decimal(value) == rounded


def test_the_mean_diameter_is_that_of_both_axes():
    assert mean_diameter_mm(12.0, 7.0) == 9.5


def bands_of(found):
    return [band.bands for band in found]


@pytest.mark.parametrize(
    ("mean", "expected"),
    [
        (5.9, ("< 6 mm",)), (5.95, ("< 6 mm", "≥ 6 to < 8 mm")), (6.0, ("≥ 6 to < 8 mm",)), (6.04, ("≥ 6 to < 8 mm",)),
        (7.99, ("≥ 6 to < 8 mm", "≥ 8 to < 15 mm")), (8.0, ("≥ 8 to < 15 mm",)), (15.0, ("≥ 15 mm",)),
    ],
)  # fmt: skip
def test_solid_lung_rads_bands_begin_at_their_cut_off(mean, expected):
    assert bands_of(lung_rads(SOLID, mean)) == [expected]


@pytest.mark.parametrize(
    ("mean", "expected"), [(3.9, "< 4 mm"), (4.0, "≥ 4 to < 6 mm"), (6.0, "≥ 6 to < 8 mm"), (8.0, "≥ 8 mm")]
)
def test_new_solid_lesions_have_bands_of_their_own(mean, expected):
    assert bands_of(lung_rads(SOLID, mean, is_new=True)) == [(expected,)]


@pytest.mark.parametrize(
    ("total", "component", "is_new", "expected"),
    [
        (5.8, 4.0, False, [("< 6 mm",)]),
        (5.95, 4.0, False, [("< 6 mm", "≥ 6 mm"), ("< 6 mm",)]),
        (9.0, 5.8, False, [("≥ 6 mm",), ("< 6 mm",)]),
        (9.0, 6.0, False, [("≥ 6 mm",), ("≥ 6 to < 8 mm",)]),
        (12.0, 8.0, False, [("≥ 6 mm",), ("≥ 8 mm",)]),
        (12.0, 3.0, True, [("≥ 6 mm",), ("< 4 mm",)]),
        (12.0, 4.0, True, [("≥ 6 mm",), ("≥ 4 mm",)]),
    ],
)
def test_part_solid_lesions_are_banded_by_the_whole_then_by_the_component(total, component, is_new, expected):
    assert bands_of(lung_rads(PART_SOLID, total, solid_mean_mm=component, is_new=is_new)) == expected


@pytest.mark.parametrize(("mean", "expected"), [(29.9, "< 30 mm"), (30.0, "≥ 30 mm")])
def test_ground_glass_has_one_cut_off(mean, expected):
    assert bands_of(lung_rads(GLASS, mean)) == [(expected,)]


@pytest.mark.parametrize(
    ("mean", "expected"),
    [(9.8, ("< 10 mm",)), (10.0, ("< 10 mm", "≥ 10 mm")), (10.04, ("< 10 mm", "≥ 10 mm")), (10.2, ("≥ 10 mm",))],
)
def test_on_the_pleura_ten_is_borderline_because_sources_differ(mean, expected):
    assert lung_rads(SOLID, mean, touches_pleura=True)[1].bands == expected


def test_a_lung_rads_text_says_whom_it_applies_to_and_names_no_category():
    text = lung_rads(SOLID, 6.04)[0].text
    assert text == (
        "Lung-RADS v2022 size band, mean diameter 6 mm: ≥ 6 to < 8 mm; "
        "applies only to screening of people without symptoms by low-dose CT."
    )


def fleischner_of(nodule_type, mean, component=None, age=60.0, thick=1.0):
    return fleischner(nodule_type, mean, solid_mean_mm=component, age_years=age, thick_mm=thick)


@pytest.mark.parametrize(
    ("mean", "expected"),
    [
        (5.4, ("< 6 mm",)), (5.95, ("< 6 mm", "6 to 8 mm")), (6.0, ("6 to 8 mm",)), (6.04, ("6 to 8 mm",)),
        (8.0, ("6 to 8 mm",)), (8.4, ("6 to 8 mm", "> 8 mm")), (8.6, ("> 8 mm",)), (30.4, ("> 8 mm",)),
    ],
)  # fmt: skip
def test_solid_fleischner_bands_hold_six_and_eight_in_the_middle(mean, expected):
    assert bands_of(fleischner_of(SOLID, mean)) == [expected]


def test_eight_lies_in_the_middle_band_here_and_in_the_upper_one_of_lung_rads():
    assert fleischner_of(SOLID, 8.0)[0].bands == ("6 to 8 mm",)
    assert lung_rads(SOLID, 8.0)[0].bands == ("≥ 8 to < 15 mm",)


@pytest.mark.parametrize(
    ("nodule_type", "mean", "component", "expected"),
    [
        (GLASS, 5.0, None, [("< 6 mm",)]),
        (GLASS, 9.0, None, [("≥ 6 mm",)]),
        (PART_SOLID, 5.0, 3.0, [("< 6 mm",)]),
        (PART_SOLID, 5.95, 3.0, [("< 6 mm", "≥ 6 mm"), ("< 6 mm",)]),
        (PART_SOLID, 9.0, 5.0, [("≥ 6 mm",), ("< 6 mm",)]),
        (PART_SOLID, 9.0, 7.0, [("≥ 6 mm",), ("≥ 6 mm",)]),
    ],
)
def test_other_fleischner_bands(nodule_type, mean, component, expected):
    assert bands_of(fleischner_of(nodule_type, mean, component)) == expected


@pytest.mark.parametrize(
    ("age", "thick", "word"), [(34.9, 1.0, "age"), (60.0, 1.6, "slices")], ids=["under 35", "over 1.5 mm"]
)
def test_fleischner_bands_are_not_shown_where_they_do_not_apply(age, thick, word):
    found = fleischner_of(SOLID, 7.0, age=age, thick=thick)
    assert isinstance(found, NotApplicable)
    assert word in found.why


def test_an_unknown_age_is_left_to_the_condition_in_the_text():
    (band,) = fleischner_of(SOLID, 5.95, age=None, thick=1.5)
    assert band.text == (
        "Fleischner 2017 size band, mean diameter 6 mm: borderline between < 6 mm and 6 to 8 mm; "
        "applies only to incidental nodules, age ≥ 35, no known cancer, not immunosuppressed."
    )
