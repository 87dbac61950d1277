"""Every row of the decision table: what gives which factor, what is refused and what only warned."""

from datetime import datetime, time, timedelta
from math import exp, log, log2

import pytest

from node.errors import Code
from node.volume.pet.lean_body_mass import james_kg, janmahasatian_kg
from node.volume.pet.reference_time import TimeSource
from node.volume.pet.suv_kind import SuvKind
from tests.volume.pet.conftest import BEGAN, DOSE_BQ, HALF_LIFE_S, INJECTED, Judge, with_tracer

HOUR_LEFT_BQ = DOSE_BQ * 2.0 ** (-3600.0 / HALF_LIFE_S)
START_FACTOR = 70_000.0 / HOUR_LEFT_BQ


def seconds(n: float) -> timedelta:
    return timedelta(seconds=n)


# units


def test_activity_is_divided_by_the_dose_that_is_left_at_the_series_time(judge: Judge) -> None:
    judged = judge()

    assert judged.factor == pytest.approx(START_FACTOR, rel=1e-12)
    assert judged.reasons == ()
    assert judged.scale.dose.decay_s == 3600.0
    assert judged.scale.dose.left_bq == pytest.approx(HOUR_LEFT_BQ)


def test_an_admin_series_is_not_decayed_a_second_time(judge: Judge) -> None:
    judged = judge(decay_correction="ADMIN")

    assert judged.factor == pytest.approx(70_000.0 / DOSE_BQ)
    assert judged.scale.dose.decay_s == 0.0


def test_an_admin_series_needs_no_time_of_injection_but_says_so(judge: Judge) -> None:
    judged = judge(decay_correction="ADMIN", tracer=with_tracer(started=None, start_time=None))

    assert judged.factor == pytest.approx(70_000.0 / DOSE_BQ)
    assert judged.warned == {Code.PT_TIME}


@pytest.mark.parametrize("value", ["NONE", "", "SOMETHING"])
def test_without_decay_correction_there_is_no_suv(value: str, judge: Judge) -> None:
    assert judge(decay_correction=value).refusing == {Code.PT_DECAY}


@pytest.mark.parametrize("units", ["PROPCNTS", "PROPCPS", "CM2ML", ""])
def test_other_units_are_refused(units: str, judge: Judge) -> None:
    assert judge(units=units).refusing == {Code.PT_UNITS}


def test_philips_counts_are_suv_by_the_private_suv_factor(judge: Judge) -> None:
    judged = judge(units="CNTS", philips_suv_factor=3.5e-4, philips_activity_factor=2.0)

    assert judged.factor == 3.5e-4
    assert judged.scale.dose is None


@pytest.mark.parametrize("absent", [None, 0.0])
def test_philips_counts_are_activity_by_the_other_factor_where_the_first_is_absent(absent, judge: Judge) -> None:
    judged = judge(units="CNTS", philips_suv_factor=absent, philips_activity_factor=2.0)

    assert judged.factor == pytest.approx(2.0 * START_FACTOR)


@pytest.mark.parametrize("absent", [None, 0.0])
def test_counts_without_a_factor_of_philips_are_refused(absent, judge: Judge) -> None:
    judged = judge(units="CNTS", philips_suv_factor=absent, philips_activity_factor=absent)

    assert judged.refusing == {Code.PT_PHILIPS}


def test_philips_factors_are_applied_per_slice(judge: Judge) -> None:
    judged = judge(units="CNTS", slices=({"philips_suv_factor": 1e-4}, {"philips_suv_factor": 2e-4}))

    assert judged.scale.factors == (1e-4, 2e-4)
    assert judged.scale.factor is None


@pytest.mark.parametrize("suv_type", ["", "BW"])
def test_values_in_g_per_ml_are_suvbw_already(suv_type: str, judge: Judge) -> None:
    judged = judge(units="GML", suv_type=suv_type)

    assert judged.factor == 1.0
    assert judged.scale.kind is SuvKind.BW


@pytest.mark.parametrize(
    ("suv_type", "lean_kg"),
    [
        ("LBM", james_kg(70.0, 1.7, "M", 120.0)),
        ("LBMJAMES128", james_kg(70.0, 1.7, "M", 128.0)),
        ("LBMJANMA", janmahasatian_kg(70.0, 1.7, "M")),
    ],
)
def test_lean_suv_is_turned_into_suvbw_where_the_body_is_known(suv_type: str, lean_kg: float, judge: Judge) -> None:
    judged = judge(units="GML", suv_type=suv_type)

    assert judged.factor == pytest.approx(70.0 / lean_kg)
    assert judged.scale.kind is SuvKind.BW
    assert judged.warned == {Code.PT_SUVTYPE}


def test_lean_suv_of_an_unknown_body_keeps_its_own_name(judge: Judge) -> None:
    judged = judge(units="GML", suv_type="LBM", size_m=None)

    assert (judged.scale.kind, judged.factor) == (SuvKind.LBM, 1.0)
    assert judged.scale.suvbw_factor is None
    assert judged.warned == {Code.PT_SUVTYPE}


@pytest.mark.parametrize("suv_type", ["BSA", "IBW"])
def test_suv_by_surface_or_ideal_weight_is_refused(suv_type: str, judge: Judge) -> None:
    assert judge(units="GML", suv_type=suv_type).refusing == {Code.PT_SUVTYPE}


# the series


@pytest.mark.parametrize(
    ("series_type", "code"),
    [
        (("DYNAMIC", "IMAGE"), Code.PT_DYN),
        (("GATED", "IMAGE"), Code.PT_GATED),
        (("WHOLE BODY", "REPROJECTION"), Code.PT_REPROJ),
        ((), Code.PT_DYN),
    ],
    ids=["dynamic", "gated", "reprojection", "missing"],
)
def test_a_series_that_is_no_static_image_is_refused(series_type, code: Code, judge: Judge) -> None:
    assert judge(series_type=series_type).refusing == {code}


def test_a_transmission_scan_is_refused(judge: Judge) -> None:
    assert judge(counts_source="TRANSMISSION").refusing == {Code.PT_UNITS}


@pytest.mark.parametrize(
    "changes",
    [
        {"corrected_image": ("DECY",)},
        {"attenuation_method": "NONE"},
        {"attenuation_method": "NONE, 0.000000 cm-1,"},
        {"description": "PET NAC"},
        {"description": "WB uncorrected"},
        {"description": "WB_NAC_3D"},
        {"description": "PET non-AC"},
    ],
    ids=["no ATTN", "method", "method of a vendor", "description", "in words", "underscores", "hyphen"],
)
def test_a_series_without_attenuation_correction_is_refused(changes, judge: Judge) -> None:
    assert judge(**changes).refusing == {Code.PT_NAC}


@pytest.mark.parametrize("description", ["PET AC", "WB_AC_3D", "Nacht PET AC", "NO ACUTE"])
def test_a_description_with_such_letters_in_a_word_is_no_sign(description: str, judge: Judge) -> None:
    assert judge(description=description).reasons == ()


def test_a_series_whose_corrections_lack_decay_is_refused(judge: Judge) -> None:
    assert judge(corrected_image=("ATTN",)).refusing == {Code.PT_DECAY}


@pytest.mark.parametrize("changes", [{"n_tracers": 2}, {"n_tracers": 0, "tracer": None}], ids=["two", "none"])
def test_anything_but_one_radiopharmaceutical_is_refused(changes, judge: Judge) -> None:
    assert judge(**changes).refusing == {Code.PT_RPSEQ}


def test_another_tracer_is_measured_with_a_warning(judge: Judge) -> None:
    judged = judge(tracer=with_tracer(names=("FLT",), code_values=("C-B1036",)))

    assert judged.warned == {Code.PT_TRACER}
    assert not judged.scale.is_fdg
    assert judged.factor == pytest.approx(START_FACTOR)


# the numbers


@pytest.mark.parametrize("weight_kg", [None, 0.0, 19.9, 300.1, 70_000.0])
def test_an_implausible_weight_is_refused(weight_kg, judge: Judge) -> None:
    assert judge(weight_kg=weight_kg).refusing == {Code.PT_WEIGHT}


@pytest.mark.parametrize("dose_bq", [None, 0.0, 9.9e6, 2.1e9])
def test_an_implausible_dose_is_refused(dose_bq, judge: Judge) -> None:
    assert judge(tracer=with_tracer(total_dose_bq=dose_bq)).refusing == {Code.PT_DOSE}


def test_a_dose_in_megabecquerel_is_refused_and_not_scaled(judge: Judge) -> None:
    judged = judge(tracer=with_tracer(total_dose_bq=300.0))

    assert judged.refusing == {Code.PT_DOSE}
    assert "probably MBq" in judged.text_of(Code.PT_DOSE)


@pytest.mark.parametrize("half_life_s", [None, 0.0, 109.8, 6586.2 * 0.97, 6586.2 * 1.03, 1223.4])
def test_a_half_life_that_is_not_the_nuclides_is_refused(half_life_s, judge: Judge) -> None:
    assert judge(tracer=with_tracer(half_life_s=half_life_s)).refusing == {Code.PT_HALF}


@pytest.mark.parametrize("half_life_s", [6588.0, 6586.2 * 0.985])
def test_a_half_life_within_two_per_cent_is_used_as_it_is_written(half_life_s: float, judge: Judge) -> None:
    judged = judge(tracer=with_tracer(half_life_s=half_life_s))

    assert judged.scale.dose.left_bq == pytest.approx(DOSE_BQ * 2.0 ** (-3600.0 / half_life_s))


@pytest.mark.parametrize(
    ("names", "half_life_s"),
    [(("^68^Gallium",), 4062.6), (("Ga-68",), 4062.6), (("18F",), 6586.2), (("Fluorine F^18^",), 6586.2)],
)
def test_the_nuclide_is_read_from_its_name(names, half_life_s: float, judge: Judge) -> None:
    tracer = with_tracer(nuclide_names=names, nuclide_code_values=(), half_life_s=half_life_s)

    assert judge(tracer=tracer).refusing == set()


def test_a_nuclide_that_is_not_named_is_not_checked_and_so_refused(judge: Judge) -> None:
    tracer = with_tracer(names=("X",), code_values=(), nuclide_names=(), nuclide_code_values=())

    assert judge(tracer=tracer).refusing == {Code.PT_HALF}


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"size_m": None}, Code.PT_HEIGHT), ({"size_m": 170.0}, Code.PT_HEIGHT), ({"sex": "O"}, Code.PT_HEIGHT)],
    ids=["no height", "height in cm", "sex"],
)
def test_an_unknown_body_costs_the_lean_suv_only(changes, code: Code, judge: Judge) -> None:
    judged = judge(**changes)

    assert judged.factor == pytest.approx(START_FACTOR)
    assert [r.code for r in judged.reasons] == [code]
    assert judged.scale.lean.janmahasatian_kg is None


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"weight_kg": 71.0}, Code.PT_WEIGHT),
        ({"units": "GML"}, Code.PT_UNITS),
        ({"tracer": with_tracer(total_dose_bq=2e8)}, Code.PT_RPSEQ),
        ({"decay_correction": "ADMIN"}, Code.PT_DECAY),
    ],
    ids=["weight", "units", "dose", "decay correction"],
)
def test_what_differs_between_slices_counts_as_missing(other, code: Code, judge: Judge) -> None:
    assert judge(slices=({}, other)).refusing == {code}


# the injection


def test_without_a_time_of_injection_there_is_no_suv(judge: Judge) -> None:
    assert judge(tracer=with_tracer(started=None, start_time=None)).refusing == {Code.PT_TIME}


def test_without_a_time_of_the_scan_there_is_no_suv(judge: Judge) -> None:
    assert judge(series_started=None, acquired=None).refusing == {Code.PT_TIME}


def test_a_date_of_injection_that_was_shifted_gives_way_to_the_time_of_day(judge: Judge) -> None:
    judged = judge(tracer=with_tracer(started=INJECTED - timedelta(days=23)))

    assert judged.factor == pytest.approx(START_FACTOR)
    assert judged.warned == {Code.PT_TIME}


def test_a_shifted_date_of_injection_without_a_time_of_day_is_refused(judge: Judge) -> None:
    tracer = with_tracer(started=INJECTED - timedelta(days=23), start_time=None)

    assert judge(tracer=tracer).refusing == {Code.PT_TIME}


def test_a_scan_past_midnight_takes_the_injection_of_the_day_before(judge: Judge) -> None:
    after = datetime(2024, 5, 7, 0, 20)
    tracer = with_tracer(started=None, start_time=time(23, 20))
    judged = judge(series_started=after, acquired=after, tracer=tracer)

    assert judged.factor == pytest.approx(START_FACTOR)
    assert judged.warned == {Code.PT_MIDNIGHT}


def test_an_injection_later_than_the_scan_and_not_within_six_hours_of_midnight_is_refused(judge: Judge) -> None:
    tracer = with_tracer(started=None, start_time=time(11, 0))

    assert judge(tracer=tracer).refusing == {Code.PT_MIDNIGHT}


@pytest.mark.parametrize("minutes", [19, 181])
def test_an_unusual_uptake_time_of_fdg_is_a_warning(minutes: int, judge: Judge) -> None:
    judged = judge(tracer=with_tracer(started=BEGAN - timedelta(minutes=minutes)))

    assert judged.warned == {Code.PT_TIME}
    assert judged.scale.dose.decay_s == 60.0 * minutes


@pytest.mark.parametrize("minutes", [20, 180])
def test_a_usual_uptake_time_is_none(minutes: int, judge: Judge) -> None:
    assert judge(tracer=with_tracer(started=BEGAN - timedelta(minutes=minutes))).reasons == ()


# the reference time


def test_a_series_time_after_the_first_acquisition_is_refused(judge: Judge) -> None:
    assert judge(series_started=BEGAN + seconds(1)).refusing == {Code.PT_SERTIME}


def test_a_post_processed_series_of_ge_is_read_by_its_private_time(judge: Judge) -> None:
    judged = judge(series_started=BEGAN + timedelta(hours=2), ge_scan_started=BEGAN, is_ge=True)

    assert judged.factor == pytest.approx(START_FACTOR)
    assert judged.scale.dose.reference.chosen.source is TimeSource.GE
    assert judged.reasons == ()


def test_the_private_time_of_siemens_is_used_before_the_series_time_and_the_difference_warned_of(judge: Judge) -> None:
    judged = judge(series_started=BEGAN - timedelta(minutes=5), siemens_decay_reference=BEGAN)

    assert judged.factor == pytest.approx(START_FACTOR)
    assert judged.scale.dose.reference.chosen.source is TimeSource.SIEMENS
    assert judged.warned == {Code.PT_TIMEDIFF}


def test_a_private_time_of_another_date_is_ignored_with_a_warning(judge: Judge) -> None:
    judged = judge(siemens_decay_reference=BEGAN - timedelta(days=1))

    assert judged.factor == pytest.approx(START_FACTOR)
    assert judged.scale.dose.reference.chosen.source is TimeSource.SERIES
    assert judged.warned == {Code.PT_TIMEDIFF}


def test_a_private_time_before_the_injection_is_ignored_with_a_warning(judge: Judge) -> None:
    assert judge(ge_scan_started=INJECTED - seconds(1)).warned == {Code.PT_TIMEDIFF}


def siemens_slices(t0: datetime, *, frame_s: float = 120.0) -> tuple[dict, ...]:
    """Two beds whose decay factors and frame reference times lead back to t0."""
    lam = log(2.0) / HALF_LIFE_S
    mean_s = log(lam * frame_s / (1.0 - exp(-lam * frame_s))) / lam
    found = []
    for start_s in (100.0, 260.0):
        after_s = start_s + mean_s
        found.append(
            {
                "acquired": t0 + seconds(start_s),
                "frame_duration_s": frame_s,
                "frame_reference_s": after_s,
                "decay_factor": 2.0 ** (after_s / HALF_LIFE_S),
            }
        )
    return tuple(found)


@pytest.mark.parametrize("left_out", ["frame_reference_s", "decay_factor"])
def test_the_reference_time_is_derived_where_the_series_time_is_too_late(left_out: str, judge: Judge) -> None:
    slices = [one | {left_out: None} for one in siemens_slices(BEGAN)]
    judged = judge(series_started=BEGAN + timedelta(hours=1), slices=slices)

    assert judged.factor == pytest.approx(START_FACTOR, rel=1e-6)
    assert judged.reasons == ()


def test_ge_counts_the_frame_reference_time_from_the_start_of_the_frame(judge: Judge) -> None:
    slices = [{"acquired": BEGAN + seconds(s), "frame_reference_s": s} for s in (100.0, 260.0)]
    judged = judge(series_started=BEGAN + timedelta(hours=1), slices=slices, is_ge=True)

    assert judged.factor == pytest.approx(START_FACTOR, rel=1e-12)
    assert judged.scale.dose.reference.chosen.source is TimeSource.FRAME_REFERENCE


def test_slices_that_derive_different_times_derive_none(judge: Judge) -> None:
    one, other = siemens_slices(BEGAN)
    slices = (one, other | {"acquired": other["acquired"] + seconds(3)})

    assert judge(series_started=BEGAN + timedelta(hours=1), slices=slices).refusing == {Code.PT_SERTIME}


@pytest.mark.parametrize("placeholder", [{"decay_factor": 1.0}, {"frame_reference_s": 0.0}], ids=["factor", "time"])
def test_placeholders_derive_nothing(placeholder: dict, judge: Judge) -> None:
    slices = ({"frame_duration_s": 120.0} | placeholder,) * 2
    judged = judge(slices=slices)

    assert [c.source for c in judged.scale.dose.reference.candidates] == [TimeSource.SERIES]


def test_a_series_time_that_contradicts_the_slices_is_refused(judge: Judge) -> None:
    judged = judge(series_started=BEGAN - seconds(61), slices=siemens_slices(BEGAN))

    assert judged.refusing == {Code.PT_TIMEDIFF}


def test_a_series_time_within_a_minute_of_the_slices_is_used(judge: Judge) -> None:
    judged = judge(series_started=BEGAN - seconds(59), slices=siemens_slices(BEGAN))

    assert judged.scale.dose.reference.chosen.source is TimeSource.SERIES
    assert judged.reasons == ()


def test_the_derivation_is_that_of_the_decay_within_the_frame() -> None:
    """The mean activity of a frame, by summing it up, equals the activity at the derived instant."""
    lam, frame_s = log(2.0) / HALF_LIFE_S, 600.0
    steps = 100_000
    mean = sum(exp(-lam * frame_s * (i + 0.5) / steps) for i in range(steps)) / steps
    (first, _) = siemens_slices(BEGAN, frame_s=frame_s)
    back_s = HALF_LIFE_S * log2(first["decay_factor"])

    assert 2.0 ** (-(back_s - 100.0) / HALF_LIFE_S) == pytest.approx(mean, rel=1e-9)
