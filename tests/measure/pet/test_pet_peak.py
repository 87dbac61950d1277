"""The sphere of 1 cm3 and the peak."""

import numpy as np
import pytest

from node.measure.pet.peak import RADIUS_MM, suv_peak
from node.measure.pet.sphere import sphere_uptake, sphere_weights
from node.phantom.grid import grid_at

OBLIQUE = (0.8, 0.6, 0.0, -0.6, 0.8, 0.0)
GRIDS = [
    grid_at((0, 0, 0), (21, 21, 21), (2.0, 2.0, 2.0)),
    grid_at((0, 0, 0), (21, 21, 21), (3.27, 4.6875, 4.6875)),
    grid_at((0, 0, 0), (21, 21, 21), (5.0, 5.47, 5.47), OBLIQUE),
    grid_at((3, 1, 2), (21, 21, 21), (3.0, 4.07, 4.07), OBLIQUE),
]
EVERYWHERE = np.argwhere(np.ones((9, 9, 9), bool)) + 6


def test_the_sphere_holds_one_cubic_centimetre() -> None:
    assert 4.0 / 3.0 * np.pi * RADIUS_MM**3 == pytest.approx(1000.0, rel=1e-4)


@pytest.mark.parametrize("grid", GRIDS, ids=["2 mm", "GE", "coarse oblique", "mCT oblique"])
@pytest.mark.parametrize("shift", [(0.0, 0.0, 0.0), (0.3, -0.5, 0.21)], ids=["centred", "shifted"])
def test_the_weights_sum_up_to_one_cubic_centimetre_on_any_grid(grid, shift) -> None:
    weights = sphere_weights(grid.lps_from_zyx, RADIUS_MM, shift)

    assert weights.sum() * grid.voxel_ml == pytest.approx(1.0, rel=0.005)
    assert weights[0].max() == weights[:, 0].max() == weights[:, :, 0].max() == 0.0  # nothing is cut off


@pytest.mark.parametrize("grid", GRIDS, ids=["2 mm", "GE", "coarse oblique", "mCT oblique"])
def test_in_an_even_field_peak_and_maximum_are_the_same(grid) -> None:
    suv_zyx = np.full(grid.shape_zyx, 3.7, np.float32)
    peak = suv_peak(suv_zyx, grid.lps_from_zyx, EVERYWHERE, float(suv_zyx.max()))

    assert peak.suv == pytest.approx(3.7, rel=1e-6)
    assert peak.outside_frac == pytest.approx(0.0, abs=1e-9)


def test_one_hot_voxel_counts_by_its_share_of_the_sphere() -> None:
    grid = grid_at((0, 0, 0), (21, 21, 21), (4.0, 4.0, 4.0))
    suv_zyx = np.zeros(grid.shape_zyx, np.float32)
    suv_zyx[10, 10, 10] = 20.0
    peak = suv_peak(suv_zyx, grid.lps_from_zyx, EVERYWHERE, 20.0)

    assert peak.suv == pytest.approx(20.0 * 0.064, rel=0.01)


def test_the_peak_is_not_drawn_round_the_maximum_but_where_the_mean_is_largest() -> None:
    grid = grid_at((0, 0, 0), (21, 21, 21), (4.0, 4.0, 4.0))
    suv_zyx = np.zeros(grid.shape_zyx, np.float32)
    suv_zyx[8, 8, 8] = 10.0
    suv_zyx[10:13, 12:15, 12:15] = 8.0
    peak = suv_peak(suv_zyx, grid.lps_from_zyx, EVERYWHERE, 10.0)

    assert peak.suv == pytest.approx(8.0, rel=0.01)
    assert peak.centre_zyx == (11, 13, 13)


def mean_of_spot(sigma_mm: float, off_mm: float) -> float:
    """The integral of a Gaussian spot over a sphere of 1 cm3 whose centre is off its own, over the volume."""
    n = 20_000
    r = (np.arange(n) + 0.5) / n * RADIUS_MM
    slope = r * max(off_mm, 1e-6) / sigma_mm**2
    shell = np.exp(-(r**2 + off_mm**2) / (2 * sigma_mm**2)) * np.sinh(slope) / slope
    return float(3.0 / RADIUS_MM**3 * (r**2 * shell).sum() * RADIUS_MM / n)


@pytest.mark.parametrize("grid", GRIDS, ids=["2 mm", "GE", "coarse oblique", "mCT oblique"])
def test_the_peak_of_a_smooth_spot_is_the_integral_over_the_sphere_wherever_the_voxels_lie(grid) -> None:
    sigma_mm = 9.0
    indices = np.indices(grid.shape_zyx).reshape(3, -1).T
    for shift in np.random.default_rng(7).uniform(-0.5, 0.5, (5, 3)):
        offset = (indices - 10 - shift) @ grid.lps_from_zyx[:3, :3].T
        spot = np.exp(-(offset**2).sum(axis=1) / (2 * sigma_mm**2)).reshape(grid.shape_zyx).astype(np.float32)
        peak = suv_peak(spot, grid.lps_from_zyx, EVERYWHERE, float(spot.max()))
        off_mm = float(np.linalg.norm(grid.lps_from_zyx[:3, :3] @ (np.array(peak.centre_zyx) - 10 - shift)))

        assert peak.centre_zyx == (10, 10, 10)  # the voxel nearest to the spot's centre
        true = mean_of_spot(sigma_mm, off_mm)
        # a voxel stands for one value all over it, which blurs the spot by the variance of the voxel's box
        blurred = sum(mm**2 for mm in grid.spacing_zyx_mm) / 12.0 / (2 * sigma_mm**2)
        assert peak.suv == pytest.approx(true * (1.0 - blurred), rel=0.015)


def test_no_peak_exceeds_the_maximum_of_its_lesion() -> None:
    rng = np.random.default_rng(3)
    grid = GRIDS[1]
    for _ in range(5):
        suv_zyx = rng.gamma(1.0, 2.0, grid.shape_zyx).astype(np.float32)
        maximum = float(suv_zyx[6:15, 6:15, 6:15].max())
        assert suv_peak(suv_zyx, grid.lps_from_zyx, EVERYWHERE, maximum).suv <= maximum


def test_a_hotter_neighbour_in_every_sphere_leaves_no_peak() -> None:
    grid = grid_at((0, 0, 0), (21, 21, 21), (4.0, 4.0, 4.0))
    suv_zyx = np.full(grid.shape_zyx, 50.0, np.float32)
    suv_zyx[10, 10, 10] = 3.0

    assert suv_peak(suv_zyx, grid.lps_from_zyx, np.array([[10, 10, 10]]), 3.0) is None


def test_a_peak_at_the_edge_says_how_much_of_it_is_outside() -> None:
    grid = grid_at((0, 0, 0), (21, 21, 21), (4.0, 4.0, 4.0))
    suv_zyx = np.full(grid.shape_zyx, 2.0, np.float32)
    peak = suv_peak(suv_zyx, grid.lps_from_zyx, np.array([[0, 10, 10]]), 2.0)

    height = RADIUS_MM - 2.0  # a spherical cap beyond the voxel's outer face
    cap_ml = np.pi * height**2 * (3 * RADIUS_MM - height) / 3.0 / 1000.0
    assert peak.outside_frac == pytest.approx(cap_ml, abs=0.01)
    assert peak.suv == pytest.approx(2.0)


def test_a_sphere_anywhere_measures_a_gradient_at_its_centre() -> None:
    grid = GRIDS[3]
    z, y, x = np.indices(grid.shape_zyx)
    lps = (
        np.einsum("ij,jzyx->izyx", grid.lps_from_zyx[:3, :3], np.stack([z, y, x]))
        + grid.lps_from_zyx[:3, 3, None, None, None]
    )
    suv_zyx = (10.0 + 0.05 * lps[0] - 0.02 * lps[1] + 0.03 * lps[2]).astype(np.float32)
    centre = (4.3, -2.2, 5.9)
    found = sphere_uptake(suv_zyx, grid.lps_from_zyx, centre, 15.0)

    assert found.mean == pytest.approx(10.0 + 0.05 * 4.3 + 0.02 * 2.2 + 0.03 * 5.9, abs=0.01)
    assert found.inside_frac == 1.0


@pytest.mark.parametrize("centre", [(0.0, 0.0, 500.0), (0.0, -500.0, 0.0)])
def test_a_sphere_outside_the_scan_is_not_measured(centre) -> None:
    assert sphere_uptake(np.ones((21, 21, 21), np.float32), GRIDS[0].lps_from_zyx, centre, 5.0) is None


def test_a_sphere_half_outside_says_so() -> None:
    grid = GRIDS[0]
    found = sphere_uptake(np.ones(grid.shape_zyx, np.float32), grid.lps_from_zyx, (0.0, 0.0, 21.0), 8.0)

    assert found.inside_frac == pytest.approx(0.5, abs=0.02)
    assert found.mean == pytest.approx(1.0)
