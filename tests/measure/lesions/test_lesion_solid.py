"""Attenuation, nodule type and solid component on balls of known make."""

import numpy as np
import pytest

from node.measure.lesions.attenuation import attenuation
from node.measure.lesions.solid import NoduleType, composition
from node.phantom.grid import Grid, grid_at
from node.phantom.render import mask_of
from node.phantom.shapes import Shape, Tube, sphere
from node.segment.lesions.dense import DENSE_HU

GLASS_HU, SOLID_HU = -600, 30
CENTRE = (0.0, 0.0, 0.0)


@pytest.fixture
def grid() -> Grid:
    return grid_at((0.2, 0.1, 0.3), (40, 60, 60), (1.0, 0.7, 0.7))


def made_of(grid: Grid, diameter: float, *dense: Shape):
    """A ball of ground glass with dense solids in it."""
    mask = mask_of(grid, sphere(CENTRE, diameter))
    hu = np.where(mask, GLASS_HU, -850).astype(np.int16)
    for shape in dense:
        hu[mask_of(grid, shape) & mask] = SOLID_HU
    return composition(hu, mask, grid.lps_from_zyx)


def test_a_ball_of_tissue_is_solid_and_has_no_component_of_its_own(grid):
    found = made_of(grid, 20.0, sphere(CENTRE, 30.0))
    assert found.type is NoduleType.SOLID
    assert found.component_zyx is None


def test_a_ball_of_haze_is_ground_glass(grid):
    assert made_of(grid, 20.0).type is NoduleType.GROUND_GLASS


def test_a_dense_core_makes_it_part_solid_and_is_the_component(grid):
    found = made_of(grid, 20.0, sphere(CENTRE, 10.0))
    assert found.type is NoduleType.PART_SOLID
    true = mask_of(grid, sphere(CENTRE, 10.0))
    overlap = 2 * (found.component_zyx & true).sum() / (found.component_zyx.sum() + true.sum())
    assert overlap > 0.97


def test_vessels_through_it_are_no_solid_component(grid):
    across = [Tube((-20.0, y, z), (20.0, y, z), 1.2, 1.2) for y in (-6.0, -2.0, 2.0, 6.0) for z in (-3.0, 3.0)]
    found = made_of(grid, 20.0, *across)
    assert found.dense_frac > 0.1
    assert found.type is NoduleType.GROUND_GLASS


def test_of_two_cores_the_larger_is_the_component(grid):
    found = made_of(grid, 18.0, sphere((-4.0, 0.0, 0.0), 9.0), sphere((5.0, 0.0, 0.0), 6.0))
    assert not found.component_zyx[:, :, 33:].any()
    assert found.component_zyx[:, :, :30].any()


@pytest.mark.parametrize(
    ("core_mm", "expected"),
    [
        (8.0, NoduleType.GROUND_GLASS),
        (11.0, NoduleType.PART_SOLID),
        (17.0, NoduleType.PART_SOLID),
        (20.0, NoduleType.SOLID),
    ],
    ids=["under a tenth", "over a tenth", "under nine tenths", "all but the rim"],
)
def test_the_share_of_dense_voxels_decides(grid, core_mm, expected):
    assert made_of(grid, 20.0, sphere(CENTRE, core_mm)).type is expected


def test_the_rim_is_left_out_of_the_share(grid):
    mask = mask_of(grid, sphere(CENTRE, 16.0))
    inner = mask_of(grid, sphere(CENTRE, 14.4))
    hu = np.where(inner, SOLID_HU, -700).astype(np.int16)  # a rim of partial volume, a third of the voxels
    assert (hu[mask] >= DENSE_HU).mean() < 0.8
    assert composition(hu, mask, grid.lps_from_zyx).type is NoduleType.SOLID


def test_the_threshold_itself_is_dense(grid):
    mask = mask_of(grid, sphere(CENTRE, 12.0))
    assert composition(np.full(mask.shape, DENSE_HU, np.int16), mask, grid.lps_from_zyx).type is NoduleType.SOLID
    below = np.full(mask.shape, DENSE_HU - 1, np.int16)
    assert composition(below, mask, grid.lps_from_zyx).type is NoduleType.GROUND_GLASS


def test_a_lesion_of_two_slices_is_judged_within_its_slices(grid):
    mask = np.zeros((4, 12, 12), bool)
    mask[1:3, 2:10, 2:10] = True
    assert composition(np.full(mask.shape, 30, np.int16), mask, grid.lps_from_zyx).type is NoduleType.SOLID


def test_a_lesion_that_is_all_rim_gets_no_type(grid):
    mask = np.zeros((4, 5, 5), bool)
    mask[1, 2, 1:4] = True
    assert composition(np.full(mask.shape, 30, np.int16), mask, grid.lps_from_zyx) is None


def test_attenuation_is_mean_population_deviation_minimum_and_maximum():
    found = attenuation(np.array([-10, 0, 10, 40], np.int16))
    assert (found.mean_hu, found.minimum_hu, found.maximum_hu) == (10.0, -10.0, 40.0)
    assert found.sd_hu == pytest.approx((1400 / 4) ** 0.5)
