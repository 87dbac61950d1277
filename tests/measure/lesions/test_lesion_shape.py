"""Mesh, Feret diameter and sphericity against analytic solids, the IBSI phantom and another implementation."""

from collections import Counter
from math import pi

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import marching_cubes, mesh_surface_area

from node.measure.lesions.cube_cases import cube_cases
from node.measure.lesions.mesh import area_mm2, surface_mm, volume_mm3
from node.measure.lesions.shape import feret_mm, measure_shape, sphericity
from node.phantom.grid import grid_at
from node.phantom.render import mask_of
from node.phantom.shapes import Box, Ellipsoid, sphere

LAW = settings(deadline=None, max_examples=60)  # a shared machine has no deadline to keep
masks = arrays.arrays(bool, st.tuples(*[st.integers(1, 5)] * 3)).filter(np.any)
SPACING = (1.3, 0.7, 0.9)


def test_a_cube_without_or_with_all_corners_has_no_surface_and_all_others_have():
    count = cube_cases().count
    assert count[0] == count[255] == 0
    assert (count[1:255] > 0).all()


def test_one_voxel_is_an_octahedron_between_the_centres_of_its_faces():
    shape = measure_shape(np.ones((1, 1, 1), bool), (1.0, 1.0, 1.0))
    assert shape.mesh_volume_mm3 == pytest.approx(1.0 / 6.0)
    assert shape.mesh_area_mm2 == pytest.approx(3.0**0.5)
    assert shape.feret_mm == pytest.approx(1.0)


@LAW
@given(masks)
def test_every_mesh_is_closed(mask):
    edges: Counter = Counter()
    for a, b, c in np.round(surface_mm(mask, (1.0, 1.0, 1.0)) * 840).astype(int).tolist():
        for one, other in ((a, b), (b, c), (c, a)):
            edges[tuple(one), tuple(other)] += 1
            edges[tuple(other), tuple(one)] -= 1
    assert not any(edges.values())


@LAW
@given(masks, st.permutations([0, 1, 2]), st.tuples(*[st.sampled_from([1, -1])] * 3))
def test_turning_or_mirroring_changes_neither_volume_nor_area_nor_extent(mask, order, flips):
    turned = mask[tuple(slice(None, None, flip) for flip in flips)].transpose(order)
    one, other = measure_shape(mask, SPACING), measure_shape(turned, tuple(SPACING[i] for i in order))
    assert (one.feret_mm, one.mesh_volume_mm3, one.mesh_area_mm2) == pytest.approx(
        (other.feret_mm, other.mesh_volume_mm3, other.mesh_area_mm2)
    )


@LAW
@given(masks)
def test_no_mesh_is_rounder_than_a_ball(mask):
    value = measure_shape(mask, SPACING).sphericity
    assert value is not None
    assert value <= 1.0 + 1e-9


@LAW
@given(masks)
def test_the_feret_diameter_is_the_greatest_distance_between_vertices_of_the_mesh(mask):
    vertices = np.unique(surface_mm(mask, SPACING).reshape(-1, 3).round(9), axis=0)
    greatest = max(float(np.linalg.norm(vertices - vertex, axis=1).max()) for vertex in vertices)
    assert feret_mm(mask, SPACING) == pytest.approx(greatest)


def test_the_digital_phantom_of_ibsi_has_its_reference_values():
    mask = np.ones((4, 4, 5), bool)  # 74 voxels of 2 mm
    mask[1, 2, 0] = mask[2, 2, 2] = False
    mask[2:, 0, 3:] = False
    shape = measure_shape(mask, (2.0, 2.0, 2.0))
    assert shape.mesh_volume_mm3 == pytest.approx(556.0, abs=4.0)
    assert shape.mesh_area_mm2 == pytest.approx(388.0, abs=3.0)
    assert shape.feret_mm == pytest.approx(13.1, abs=0.1)
    assert shape.sphericity == pytest.approx(0.843, abs=0.005)


@pytest.mark.parametrize("diameter", [6.0, 12.0, 25.0])
def test_the_mesh_agrees_with_another_implementation(diameter):
    grid = grid_at((0.2, 0.1, 0.3), (40, 50, 50), (1.0, 0.7, 0.7))
    mask = mask_of(grid, sphere((0.0, 0.0, 0.0), diameter))
    vertices, faces, _, _ = marching_cubes(np.pad(mask, 1).astype(float), 0.5, spacing=grid.spacing_zyx_mm)
    triangles = surface_mm(mask, grid.spacing_zyx_mm)
    assert volume_mm3(triangles) == pytest.approx(abs(volume_mm3(vertices[faces])), rel=0.005)
    assert area_mm2(triangles) == pytest.approx(mesh_surface_area(vertices, faces), rel=0.03)


@pytest.mark.parametrize("seed", range(8))
def test_a_ball_has_its_extent_to_a_voxel_and_its_volume_to_two_percent_on_an_oblique_grid(seed):
    rng = np.random.default_rng(seed)
    tilt = np.radians(7.0)
    grid = grid_at(
        rng.uniform(-0.5, 0.5, 3), (40, 50, 50), (1.0, 0.7, 0.7), (np.cos(tilt), 0.0, np.sin(tilt), 0.0, 1.0, 0.0)
    )
    shape = measure_shape(mask_of(grid, sphere((0.0, 0.0, 0.0), 20.0)), grid.spacing_zyx_mm)
    assert abs(shape.feret_mm - 20.0) < 1.0
    assert shape.mesh_volume_mm3 == pytest.approx(pi * 20.0**3 / 6.0, rel=0.02)


def test_the_extent_of_a_box_is_its_space_diagonal_to_a_voxel():
    grid = grid_at((0.2, 0.1, 0.3), (40, 60, 60), (1.0, 0.7, 0.7))
    mask = mask_of(grid, Box((-10.0, -6.0, -8.0), (10.0, 6.0, 8.0)))
    assert abs(feret_mm(mask, grid.spacing_zyx_mm) - (20.0**2 + 12.0**2 + 16.0**2) ** 0.5) < 1.4


def test_a_ball_is_rounder_than_an_ellipsoid_and_that_rounder_than_a_rod():
    grid = grid_at((0.0, 0.0, 0.0), (40, 60, 60), (1.0, 1.0, 1.0))
    radii = [(9.0, 9.0, 9.0), (14.0, 8.0, 8.0), (25.0, 4.0, 4.0)]
    values = [measure_shape(mask_of(grid, Ellipsoid((0.0, 0.0, 0.0), r)), (1.0, 1.0, 1.0)).sphericity for r in radii]
    assert values == sorted(values, reverse=True)
    assert 0.9 < values[0] <= 1.0


@pytest.mark.parametrize(
    ("volume", "area", "given_"),
    [
        (100.0, pi ** (1 / 3) * 600.0 ** (2 / 3) / 1.06, False),
        (100.0, pi ** (1 / 3) * 600.0 ** (2 / 3) / 1.04, True),
        (-1.0, 10.0, False),
    ],
    ids=["1.06 is a fault", "1.04 is rounding", "inside out is a fault"],
)
def test_a_sphericity_over_1_05_is_refused(volume, area, given_):
    assert (sphericity(volume, area) is not None) is given_
