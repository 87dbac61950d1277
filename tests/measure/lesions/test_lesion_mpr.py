"""The longest line in an axial, coronal or sagittal plane, and which plane that is."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import OurMistake
from node.measure.lesions.axes import recist_axes
from node.measure.lesions.mpr import Plane, longest_line
from node.phantom.grid import Grid, grid_at
from node.phantom.render import mask_of
from node.phantom.shapes import Ellipsoid, Tube, sphere

LAW = settings(deadline=None, max_examples=60)  # a shared machine has no deadline to keep
masks = arrays.arrays(bool, st.tuples(*[st.integers(1, 6)] * 3)).filter(np.any)

ROW_IS_LEFT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
ROW_IS_BACK = (0.0, 1.0, 0.0, -1.0, 0.0, 0.0)  # a patient on the side: rows run to the back


def rod(direction_lps: tuple[float, float, float], grid: Grid) -> np.ndarray:
    """A capsule of 30 mm along a direction, 6 mm thick."""
    half = np.asarray(direction_lps) / np.linalg.norm(direction_lps) * 12.0
    return mask_of(grid, Tube(tuple(-half), tuple(half), 3.0, 3.0))


@pytest.mark.parametrize(
    ("direction", "plane"),
    [((1, 1, 0), Plane.AXIAL), ((1, 0, 1), Plane.CORONAL), ((0, 1, 1), Plane.SAGITTAL)],
    ids=["axial", "coronal", "sagittal"],
)
@pytest.mark.parametrize("orientation", [ROW_IS_LEFT, ROW_IS_BACK], ids=["rows left", "rows back"])
def test_a_rod_is_longest_in_the_plane_that_it_lies_in_whatever_the_order_of_axes(direction, plane, orientation):
    grid = grid_at((0.1, 0.2, 0.3), (40, 50, 50), (1.0, 0.8, 0.8), orientation)
    line = longest_line(rod(direction, grid), grid.lps_from_zyx)
    assert line.plane is plane
    assert abs(line.length_mm - 30.0) < 1.0


@pytest.mark.parametrize("seed", range(8))
def test_of_a_tall_ellipsoid_the_height_is_found_to_a_voxel(seed):
    rng = np.random.default_rng(seed)
    grid = grid_at(rng.uniform(-0.5, 0.5, 3), (40, 50, 50), (1.25, 0.7, 0.7))
    line = longest_line(mask_of(grid, Ellipsoid((0.0, 0.0, 0.0), (7.0, 6.0, 15.0))), grid.lps_from_zyx)
    assert line.plane is not Plane.AXIAL
    assert abs(line.length_mm - 30.0) < 1.25


@pytest.mark.parametrize("seed", range(8))
def test_a_ball_is_within_one_voxel_on_thick_oblique_slices(seed):
    rng = np.random.default_rng(seed)
    tilt = np.radians(8.0)
    orientation = (1.0, 0.0, 0.0, 0.0, np.cos(tilt), np.sin(tilt))
    grid = grid_at(rng.uniform(-0.5, 0.5, 3), (24, 50, 50), (2.5, 0.7, 0.7), orientation)
    line = longest_line(mask_of(grid, sphere((0.0, 0.0, 0.0), 20.0)), grid.lps_from_zyx)
    assert abs(line.length_mm - 20.0) < 2.5


def test_of_equal_lengths_the_axial_plane_is_named():
    assert longest_line(np.ones((3, 3, 3), bool), np.diag([1.0, 1.0, 1.0, 1.0])).plane is Plane.AXIAL


def test_an_empty_mask_is_our_mistake():
    with pytest.raises(OurMistake, match="without voxels"):
        longest_line(np.zeros((2, 2, 2), bool), np.eye(4))


@LAW
@given(masks, st.permutations([0, 1, 2]))
def test_exchanging_axes_with_their_matrix_changes_no_length(mask, order):
    matrix = np.eye(4)
    matrix[:3, :3] = [[0.0, 0.0, 0.7], [0.0, 0.9, 0.0], [1.3, 0.0, 0.0]]
    turned = matrix.copy()
    turned[:3, :3] = matrix[:3, list(order)]
    one, other = longest_line(mask, matrix), longest_line(mask.transpose(order), turned)
    assert one.length_mm == pytest.approx(other.length_mm)


@LAW
@given(masks)
def test_it_is_never_shorter_than_the_axial_long_axis(mask):
    matrix = np.eye(4)
    matrix[:3, :3] = [[0.0, 0.0, 0.7], [0.0, 0.9, 0.0], [1.3, 0.0, 0.0]]
    assert longest_line(mask, matrix).length_mm >= recist_axes(mask, (1.3, 0.9, 0.7)).long_mm - 1e-9
