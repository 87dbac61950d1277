"""Candidates outside the CT's lesions."""

from dataclasses import replace

import numpy as np
import pytest

from node.measure.pet.foci import foci
from node.measure.pet.lesion_uptake import lesion_uptake
from node.measure.pet.search_region import SearchRegion, search_region
from node.measure.pet.uptake_quantity import Statistic, Threshold
from node.phantom.grid import grid_at
from node.phantom.render import mask_of
from node.phantom.shapes import Ellipsoid, sphere
from node.report.pet_groups import continuous_words
from tests.measure.pet.conftest import pet_of

GRID = grid_at((0.0, 0.0, 0.0), (60, 30, 30), (4.0, 5.0, 5.0))  # 0.1 ml a voxel
LUNGS = np.zeros(GRID.shape_zyx, bool)
LUNGS[20:50, 5:25, 5:25] = True


def suv_with(z: int, n: int = 5, suv: float = 4.0) -> np.ndarray:
    suv_zyx = np.ones(GRID.shape_zyx, np.float32)
    suv_zyx[z, 10, 10 : 10 + n] = suv
    return suv_zyx


def test_half_a_millilitre_of_uptake_is_a_candidate_with_place_and_maximum() -> None:
    suv_zyx = suv_with(30)
    suv_zyx[30, 10, 13] = 7.0
    (focus,) = foci(pet_of(suv_zyx, GRID), LUNGS, ())

    assert focus.suv_max == 7.0
    assert focus.maximum_zyx == (30, 10, 13)
    assert focus.volume_ml == pytest.approx(0.5)
    assert focus.centre_lps_mm == pytest.approx((GRID.lps_from_zyx @ (30, 10, 12, 1))[:3])


@pytest.mark.parametrize(
    "suv_zyx", [suv_with(30, n=4), suv_with(30, suv=3.99)], ids=["smaller than 0.5 ml", "below 4.0"]
)
def test_less_is_none(suv_zyx: np.ndarray) -> None:
    assert foci(pet_of(suv_zyx, GRID), LUNGS, ()) == ()


@pytest.mark.parametrize(("z", "n_found"), [(14, 0), (15, 1), (49, 1), (50, 0)])
def test_the_chest_reaches_from_the_apices_to_20_mm_below_the_lungs(z: int, n_found: int) -> None:
    assert len(foci(pet_of(suv_with(z), GRID), LUNGS, ())) == n_found


@pytest.mark.parametrize(("z", "n_found"), [(14, 0), (15, 1), (49, 1), (50, 0)])
def test_it_does_so_in_slices_towards_the_feet_too(z: int, n_found: int) -> None:
    matrix = GRID.lps_from_zyx.copy()
    matrix[:3, 0] *= -1

    assert len(foci(pet_of(suv_with(z)[::-1], matrix), LUNGS[::-1], ())) == n_found


def test_what_belongs_to_a_lesion_is_not_listed_again() -> None:
    nowhere = np.zeros((5, 5, 10), bool)
    region = SearchRegion((slice(28, 33), slice(8, 13), slice(8, 18)), ~nowhere, 1.0, nowhere)

    assert foci(pet_of(suv_with(30), GRID), LUNGS, (("nodule-1", region),)) == ()
    elsewhere = replace(region, mask_zyx=nowhere)
    (focus,) = foci(pet_of(suv_with(30), GRID), LUNGS, (("nodule-1", elsewhere),))
    assert focus.continuous_with == ()


def test_a_candidate_that_reaches_into_a_lesion_says_so_and_the_lesion_has_no_volume_of_it() -> None:
    grid = grid_at((0.0, 0.0, 0.0), (60, 60, 60), (4.0, 4.0, 4.0))
    lesion = mask_of(grid, sphere((-25.0, 0.0, 0.0), 20.0))
    mass = mask_of(grid, Ellipsoid((0.0, 0.0, 0.0), (40.0, 14.0, 14.0)))
    suv_zyx = np.where(mass, 20.0, 1.0).astype(np.float32)
    suv_zyx[30, 30, 33] = 42.0  # far from the lesion
    apart = mask_of(grid, sphere((0.0, 60.0, 0.0), 16.0))
    suv_zyx[apart] = 9.0
    pet = pet_of(suv_zyx, grid)
    region = search_region(lesion, grid.lps_from_zyx, grid.shape_zyx, grid.lps_from_zyx)
    lungs = np.ones(grid.shape_zyx, bool)

    first, second = foci(pet, lungs, (("nodule-1", region),))
    assert (first.suv_max, first.continuous_with) == (42.0, ("nodule-1",))
    assert (second.suv_max, second.continuous_with) == (9.0, ())
    assert lesion_uptake(pet, region, 3, "nodule-1").value(Statistic.MTV, threshold=Threshold.MTV40) is None
    assert "continuous with nodule-1" in continuous_words(first)
    assert continuous_words(second) == ""


def test_the_hottest_comes_first_and_touching_by_an_edge_is_apart() -> None:
    suv_zyx = suv_with(30) + suv_with(40, suv=8.0) - 1.0
    suv_zyx[31, 11, 10:15] = 5.0

    assert [round(f.suv_max) for f in foci(pet_of(suv_zyx, GRID), LUNGS, ())] == [8, 5, 4]


@pytest.mark.parametrize(("beyond_z", "inside_z", "cut"), [(50, 49, True), (14, 15, True), (48, 49, False)])
def test_uptake_that_goes_on_beyond_the_searched_chest_is_said_to(beyond_z: int, inside_z: int, cut: bool) -> None:
    suv_zyx = np.maximum(suv_with(inside_z), suv_with(beyond_z, suv=9.0))
    (focus,) = foci(pet_of(suv_zyx, GRID), LUNGS, ())

    assert focus.cut is cut
