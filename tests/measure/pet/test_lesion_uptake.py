"""Uptake of lesions of known activity, and what is refused of it."""

import numpy as np
import pytest
from scipy import ndimage

from node.errors import Code
from node.measure.pet import LesionUptake, Statistic, Threshold
from node.measure.pet.lesion_uptake import lesion_uptake
from node.measure.pet.search_region import search_region
from node.phantom.grid import Grid, grid_at
from node.phantom.render import mask_of
from node.phantom.shapes import sphere
from node.volume.pet import PetVolume, SuvKind
from node.volume.pet.lean_body_mass import lean_masses
from tests.measure.pet.conftest import pet_of

GRID = grid_at((0.0, 0.0, 0.0), (40, 44, 44), (2.0, 2.0, 2.0))
OBLIQUE = grid_at((0.0, 0.0, 0.0), (50, 50, 50), (2.5, 2.0, 2.0), (0.8, 0.6, 0.0, -0.6, 0.8, 0.0))
CT = grid_at((0.3, 0.2, 0.1), (60, 90, 90), (1.5, 1.0, 1.0))
BACKGROUND = 0.5


def ball(suv: float, diameter_mm: float = 20.0, grid: Grid = GRID, centre=(0.0, 0.0, 0.0), **scale) -> PetVolume:
    suv_zyx = np.full(grid.shape_zyx, BACKGROUND, np.float32)
    suv_zyx[mask_of(grid, sphere(centre, diameter_mm))] = suv
    return pet_of(suv_zyx, grid, **scale)


def measured(pet: PetVolume, diameter_mm: float = 20.0, centre=(0.0, 0.0, 0.0)) -> LesionUptake:
    lesion = mask_of(CT, sphere(centre, diameter_mm))
    region = search_region(lesion, CT.lps_from_zyx, pet.suv_zyx.shape, pet.lps_from_zyx)
    return lesion_uptake(pet, region, 3, "nodule-1")


def quantity(lesion: LesionUptake, statistic: Statistic, threshold: Threshold | None = None, kind=SuvKind.BW):
    (found,) = [q for q in lesion.quantities if (q.statistic, q.threshold, q.kind) == (statistic, threshold, kind)]
    return found


@pytest.mark.parametrize("grid", [GRID, OBLIQUE], ids=["axial", "oblique"])
def test_a_hot_ball_has_its_activity_its_volume_and_their_product(grid: Grid) -> None:
    lesion = measured(ball(8.0, 30.0, grid), 30.0)
    true_ml = np.pi * 30.0**3 / 6000.0

    assert lesion.value(Statistic.MAX) == 8.0
    assert lesion.value(Statistic.PEAK) == pytest.approx(8.0)
    assert lesion.value(Statistic.MEAN) == pytest.approx(8.0)
    for threshold in Threshold:
        assert lesion.value(Statistic.MTV, threshold=threshold) == pytest.approx(true_ml, rel=0.02)
        assert lesion.value(Statistic.TLG, threshold=threshold) == pytest.approx(8.0 * true_ml, rel=0.02)


def test_an_even_field_has_one_value_for_maximum_mean_and_peak() -> None:
    lesion = measured(ball(3.0, 38.0))  # all of the search region but its rim

    assert [lesion.value(s) for s in (Statistic.MAX, Statistic.MEAN, Statistic.PEAK)] == pytest.approx([3.0] * 3)


def test_the_fixed_thresholds_hold_what_lies_above_them() -> None:
    pet = ball(6.0, 20.0)
    inner = mask_of(GRID, sphere((0.0, 0.0, 0.0), 12.0))
    suv_zyx = pet.suv_zyx.copy()
    suv_zyx[mask_of(GRID, sphere((0.0, 0.0, 0.0), 20.0)) & ~inner] = 3.0
    lesion = measured(pet_of(suv_zyx, GRID))

    assert lesion.value(Statistic.MTV, threshold=Threshold.MTV40) == pytest.approx(inner.sum() * GRID.voxel_ml)
    assert lesion.value(Statistic.MTV, threshold=Threshold.MTV25) == pytest.approx(
        mask_of(GRID, sphere((0.0, 0.0, 0.0), 20.0)).sum() * GRID.voxel_ml
    )
    assert lesion.value(Statistic.MTV, threshold=Threshold.MTV41) == lesion.value(
        Statistic.MTV, threshold=Threshold.MTV25
    )  # 41 % of 6 is 2.46


def test_a_voxel_exactly_at_the_threshold_counts() -> None:
    pet = ball(4.0, 20.0)

    assert measured(pet).value(Statistic.MTV, threshold=Threshold.MTV40) == pytest.approx(
        mask_of(GRID, sphere((0.0, 0.0, 0.0), 20.0)).sum() * GRID.voxel_ml
    )


def test_another_piece_in_the_search_region_does_not_belong() -> None:
    suv_zyx = np.full(GRID.shape_zyx, BACKGROUND, np.float32)
    suv_zyx[20, 22, 22] = 8.0
    suv_zyx[20, 22, 23] = 7.0
    suv_zyx[21, 23, 22] = 7.0  # touches by an edge only
    suv_zyx[20, 22, 26] = 7.5  # apart

    assert measured(pet_of(suv_zyx, GRID)).value(Statistic.MTV, threshold=Threshold.MTV40) == pytest.approx(
        2 * GRID.voxel_ml
    )


def test_uptake_everywhere_has_no_volume_mean_or_peak_of_a_lesion() -> None:
    lesion = measured(pet_of(np.full(GRID.shape_zyx, 5.0, np.float32), GRID), 20.0)

    assert lesion.value(Statistic.MAX) == 5.0
    assert "filled=100 % of the search region" in quantity(lesion, Statistic.MTV, Threshold.MTV40).parameters
    others = [q for q in lesion.quantities if q.statistic is not Statistic.MAX]
    assert {q.value for q in others} == {None}
    assert {r.code for q in others for r in q.refused_by} == {Code.PT_SPILL}
    assert lesion.peak_centre_lps_mm is None


def blurred(suv_zyx: np.ndarray) -> PetVolume:
    return pet_of(ndimage.gaussian_filter(suv_zyx, 1.5), GRID)  # 7 mm full width at half maximum


@pytest.mark.parametrize("to_the_ball_mm", [22.0, 24.0, 26.0])
def test_the_uptake_of_a_neighbour_whose_maximum_lies_outside_is_not_the_lesions(to_the_ball_mm: float) -> None:
    pet = blurred(ball(9.0, 20.0, centre=(to_the_ball_mm, 0.0, 0.0)).suv_zyx)
    lesion = measured(pet, 10.0)

    assert lesion.quantities == ()
    assert lesion.mask_zyx is None
    assert [r.code for r in lesion.refused_by] == [Code.PT_SPILL]


def test_a_lesion_with_a_maximum_of_its_own_beside_a_hotter_neighbour_keeps_it() -> None:
    both = np.maximum(ball(6.0, 10.0).suv_zyx, ball(9.0, 20.0, centre=(24.0, 0.0, 0.0)).suv_zyx)
    lesion = measured(blurred(both), 10.0)

    assert np.linalg.norm(lesion.maximum_lps_mm) < 2.0
    assert lesion.value(Statistic.MTV, threshold=Threshold.MTV25) > 0


def test_cold_lesions_mean_and_peak_are_not_those_of_36_ml_of_surroundings() -> None:
    lesion = measured(ball(0.55, 17.0), 17.0)

    assert lesion.value(Statistic.MAX) == pytest.approx(0.55)
    assert lesion.value(Statistic.MEAN) is None
    assert lesion.value(Statistic.PEAK) is None
    assert lesion.value(Statistic.MEAN, SuvKind.LBMJANMA) is None


def test_uptake_beside_the_lesion_is_found_within_ten_millimetres_and_not_beyond() -> None:
    near, far = ball(9.0, 4.0, centre=(0.0, 0.0, 18.0)), ball(9.0, 4.0, centre=(0.0, 0.0, 24.0))

    assert measured(near).value(Statistic.MAX) == 9.0
    assert measured(far).value(Statistic.MAX) == BACKGROUND


def test_the_middle_of_a_large_lesion_is_searched_too() -> None:
    assert measured(ball(9.0, 6.0), 60.0).value(Statistic.MAX) == 9.0


def test_below_a_fixed_threshold_there_is_no_volume_rather_than_none() -> None:
    lesion = measured(ball(3.0))

    for statistic in (Statistic.MTV, Statistic.TLG):
        refused = quantity(lesion, statistic, Threshold.MTV40)
        assert refused.value is None
        assert [r.code for r in refused.refused_by] == [Code.PT_NOVOX]
        assert quantity(lesion, statistic, Threshold.MTV25).value > 0


def test_without_uptake_there_is_no_volume_at_all() -> None:
    lesion = measured(pet_of(np.zeros(GRID.shape_zyx, np.float32), GRID))

    assert [r.code for r in quantity(lesion, Statistic.MTV, Threshold.MTV41).refused_by] == [Code.PT_NOVOX]


def test_a_lesion_as_warm_as_what_is_round_it_has_no_volume_of_its_surroundings() -> None:
    rng = np.random.default_rng(0)
    even = 0.45 * (1.0 + 0.05 * rng.standard_normal(GRID.shape_zyx))
    lesion = measured(pet_of(even.astype(np.float32), GRID))

    for statistic in (Statistic.MTV, Statistic.TLG):
        refused = quantity(lesion, statistic, Threshold.MTV41)
        assert refused.value is None
        assert [r.code for r in refused.refused_by] == [Code.PT_SPILL]
    assert lesion.value(Statistic.MAX) == pytest.approx(0.5, abs=0.06)
    assert lesion.mask_zyx is None


def test_a_lesion_whose_uptake_runs_on_into_a_hot_organ_has_no_volume_at_a_share_of_it() -> None:
    beside = ball(8.0, 20.0).suv_zyx.copy()
    beside[:, :, :18] = 4.0  # the organ; it begins inside the search region and touches the lesion
    lesion = measured(pet_of(beside, GRID))

    refused = quantity(lesion, Statistic.MTV, Threshold.MTV41)
    assert [r.code for r in refused.refused_by] == [Code.PT_SPILL]
    refused = quantity(lesion, Statistic.MTV, Threshold.MTV25)
    assert [r.code for r in refused.refused_by] == [Code.PT_SPILL]


def test_uptake_that_ends_just_inside_the_search_region_is_the_lesions() -> None:
    inside, outside = ball(8.0, 38.0), ball(8.0, 44.0)

    assert measured(inside).value(Statistic.MTV, threshold=Threshold.MTV41) == pytest.approx(
        np.pi * 38.0**3 / 6000.0, rel=0.03
    )
    assert measured(outside).value(Statistic.MTV, threshold=Threshold.MTV41) is None


def test_uptake_that_the_end_of_the_scan_cuts_off_has_no_volume() -> None:
    short = grid_at((0.0, 0.0, 0.0), (8, 44, 44), (2.0, 2.0, 2.0))
    lesion = measured(ball(8.0, 20.0, short), 6.0)

    refused = quantity(lesion, Statistic.MTV, Threshold.MTV41)
    assert [r.code for r in refused.refused_by] == [Code.PT_SPILL]


def test_another_tracer_has_suv_and_no_thresholds() -> None:
    lesion = measured(ball(8.0, is_fdg=False))

    assert lesion.value(Statistic.MAX) == 8.0
    for threshold in Threshold:
        assert [r.code for r in quantity(lesion, Statistic.MTV, threshold).refused_by] == [Code.PT_TRACER]


def test_an_suv_of_another_kind_is_never_called_suvbw() -> None:
    lesion = measured(ball(8.0, kind=SuvKind.LBM))

    assert lesion.value(Statistic.MAX) is None
    assert lesion.value(Statistic.MAX, SuvKind.LBM) == 8.0
    assert quantity(lesion, Statistic.MAX, kind=SuvKind.LBM).unit == "g/ml{SUVlbm}"
    assert {q.kind for q in lesion.quantities} == {SuvKind.LBM}
    refused = quantity(lesion, Statistic.MTV, Threshold.MTV25, SuvKind.LBM)
    assert [r.code for r in refused.refused_by] == [Code.PT_SUVTYPE]


@pytest.mark.parametrize(
    ("kind", "mass_kg"), [(SuvKind.LBMJANMA, 54.48), (SuvKind.LBM, 56.65), (SuvKind.LBMJAMES128, 55.30)]
)
def test_lean_suv_is_the_suv_by_lean_mass_over_weight(kind: SuvKind, mass_kg: float) -> None:
    lesion = measured(ball(8.0))

    for statistic in (Statistic.MAX, Statistic.MEAN, Statistic.PEAK):
        assert lesion.value(statistic, kind) == pytest.approx(8.0 * mass_kg / 70.0, rel=1e-4)


def test_without_height_there_is_no_lean_suv() -> None:
    lesion = measured(ball(8.0, lean=lean_masses(70.0, None, "M")))
    lean = [q for q in lesion.quantities if q.kind is not SuvKind.BW]

    assert len(lean) == 9
    assert {q.value for q in lean} == {None}
    assert {r.code for q in lean for r in q.refused_by} == {Code.PT_HEIGHT}


def test_every_number_is_given_or_refused_and_never_both() -> None:
    for lesion in (measured(ball(8.0)), measured(ball(3.0)), measured(ball(8.0, is_fdg=False))):
        assert all((q.value is None) == bool(q.refused_by) for q in lesion.quantities)


def test_the_places_of_maximum_and_peak_are_in_patient_space() -> None:
    pet = ball(8.0, 20.0, OBLIQUE)
    suv_zyx = pet.suv_zyx.copy()
    suv_zyx[25, 26, 24] = 9.0
    lesion = measured(pet_of(suv_zyx, OBLIQUE))

    assert lesion.maximum_zyx == (25, 26, 24)
    assert lesion.maximum_lps_mm == pytest.approx((OBLIQUE.lps_from_zyx @ (25, 26, 24, 1))[:3])
    assert np.linalg.norm(np.subtract(lesion.peak_centre_lps_mm, lesion.maximum_lps_mm)) < 6.2


def test_a_lesion_that_the_pet_cuts_off_is_not_measured() -> None:
    short = grid_at((0.0, 0.0, 40.0), (20, 44, 44), (2.0, 2.0, 2.0))
    lesion = measured(ball(8.0, 20.0, short), centre=(0.0, 0.0, 25.0))

    assert lesion.quantities == ()
    assert [r.code for r in lesion.refused_by] == [Code.GEO_PARTIAL]


def test_a_lesion_outside_the_pet_is_not_measured() -> None:
    far = grid_at((0.0, 0.0, 400.0), (20, 44, 44), (2.0, 2.0, 2.0))

    assert [r.code for r in measured(ball(8.0, 20.0, far)).refused_by] == [Code.GEO_PARTIAL]


def test_a_peak_that_reaches_out_of_the_scan_is_refused() -> None:
    thin = grid_at((0.0, 0.0, 0.0), (12, 44, 44), (2.0, 2.0, 2.0))
    pet = ball(8.0, 4.0, thin, centre=(0.0, 0.0, 10.0))
    lesion = measured(pet, 6.0, centre=(0.0, 0.0, 8.0))
    peak = quantity(lesion, Statistic.PEAK)

    assert peak.value is None
    assert [r.code for r in peak.refused_by] == [Code.GEO_PARTIAL]
    assert quantity(lesion, Statistic.PEAK, kind=SuvKind.LBMJANMA).value is None
