"""Candidates outside the CT's lesions."""

from dataclasses import replace

import numpy as np
import pytest

from node.measure.pet.foci import foci
from node.measure.pet.search_region import SearchRegion
from node.phantom.grid import grid_at
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
    region = SearchRegion((slice(28, 33), slice(8, 13), slice(8, 18)), np.ones((5, 5, 10), bool), 1.0)

    assert foci(pet_of(suv_with(30), GRID), LUNGS, (region,)) == ()
    elsewhere = replace(region, mask_zyx=np.zeros((5, 5, 10), bool))
    assert len(foci(pet_of(suv_with(30), GRID), LUNGS, (elsewhere,))) == 1


def test_the_hottest_comes_first_and_touching_by_an_edge_is_apart() -> None:
    suv_zyx = suv_with(30) + suv_with(40, suv=8.0) - 1.0
    suv_zyx[31, 11, 10:15] = 5.0

    assert [round(f.suv_max) for f in foci(pet_of(suv_zyx, GRID), LUNGS, ())] == [8, 5, 4]


@pytest.mark.parametrize(("beyond_z", "inside_z", "cut"), [(50, 49, True), (14, 15, True), (48, 49, False)])
def test_uptake_that_goes_on_beyond_the_searched_chest_is_said_to(beyond_z: int, inside_z: int, cut: bool) -> None:
    suv_zyx = np.maximum(suv_with(inside_z), suv_with(beyond_z, suv=9.0))
    (focus,) = foci(pet_of(suv_zyx, GRID), LUNGS, ())

    assert focus.cut is cut
