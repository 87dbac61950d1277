"""Solids have the volume of their formula, wherever and however the grid lies."""

import numpy as np
import pytest

from node.phantom.grid import AXIAL, grid_at
from node.phantom.render import mask_of, paint
from node.phantom.shapes import Box, Ellipsoid, Tube, sphere

OBLIQUE = (0.8, 0.6, 0.0, -0.48, 0.64, 0.6)


@pytest.mark.parametrize("orientation", [AXIAL, OBLIQUE, (0, 1, 0, 0, 0, -1)], ids=["axial", "oblique", "sagittal"])
@pytest.mark.parametrize(
    ("shape", "volume_mm3"),
    [
        (sphere((3.0, -4.0, 5.0), 30.0), 4 / 3 * np.pi * 15.0**3),
        (Ellipsoid((0.0, 0.0, 0.0), (20.0, 10.0, 15.0)), 4 / 3 * np.pi * 20 * 10 * 15),
        (Box((-28.0, -27.2, -27.0), (28.0, 27.2, 27.0)), 56.0 * 54.4 * 54.0),
        (Tube((0.0, 0.0, -15.0), (0.0, 0.0, 15.0), 6.0, 6.0), np.pi * 36 * 30 + 4 / 3 * np.pi * 216),
    ],
    ids=["sphere", "ellipsoid", "box", "tube"],
)
def test_a_solid_has_the_volume_of_its_formula(shape, volume_mm3: float, orientation) -> None:
    grid = grid_at((0.0, 0.0, 0.0), (80, 90, 100), (1.0, 0.8, 0.7), orientation)

    assert mask_of(grid, shape).sum() * grid.voxel_ml * 1000 == pytest.approx(volume_mm3, rel=0.04)


@pytest.mark.parametrize("orientation", [AXIAL, OBLIQUE], ids=["axial", "oblique"])
def test_a_ball_lies_where_it_was_put(orientation) -> None:
    grid = grid_at((0.0, 0.0, 0.0), (60, 60, 60), (1.0, 1.0, 1.0), orientation)
    at = np.argwhere(mask_of(grid, sphere((6.0, -9.0, 4.0), 12.0))).mean(axis=0)

    np.testing.assert_allclose((grid.lps_from_zyx @ np.r_[at, 1.0])[:3], (6.0, -9.0, 4.0), atol=0.1)


def test_a_solid_beyond_the_grid_paints_nothing() -> None:
    grid = grid_at((0.0, 0.0, 0.0), (8, 8, 8), (1.0, 1.0, 1.0))

    assert not mask_of(grid, sphere((50.0, 0.0, 0.0), 10.0)).any()


def test_a_later_solid_covers_an_earlier_one_only_where_it_may() -> None:
    grid = grid_at((0.0, 0.0, 0.0), (8, 8, 8), (1.0, 1.0, 1.0))
    image = np.zeros(grid.shape_zyx, np.int16)
    upper = np.arange(8)[:, None, None] * np.ones((8, 8, 8)) >= 4
    paint(image, grid, Box((-9, -9, -9), (9, 9, 9)), 1)
    paint(image, grid, Box((-9, -9, -9), (9, 9, 9)), 2, only_where=upper)

    assert image[:4].max() == 1
    assert image[4:].min() == 2
