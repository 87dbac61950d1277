"""The steps of the rule-based lungs, each on arrays small enough to see."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.segment.airways import airways
from node.segment.body_air import body_and_air, filled_in_slices
from node.segment.closing import closed
from node.segment.cut_lung import cut_lung
from node.segment.enclosed import with_enclosed
from node.segment.gas_pockets import without_gas
from node.segment.lung_pieces import lung_pieces
from node.segment.sides import sides
from node.segment.windpipe import windpipe
from node.segment.working_grid import working_grid

MM = (2.0, 2.0, 2.0)


def disc(shape, centre, radius):
    y, x = np.ogrid[: shape[0], : shape[1]]
    return np.hypot(y - centre[0], x - centre[1]) <= radius


def ball(shape, centre, radius):
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    return (z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2 <= radius**2


def cylinder(hu=0):
    values = np.full((30, 80, 80), -1000, np.int16)
    values[:, disc((80, 80), (40, 40), 35)] = hu
    return values


axes_of_a_scan = st.tuples(
    st.permutations([0, 1, 2]), st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3), st.sampled_from([0.6, 1.0, 2.5])
)


@given(axes_of_a_scan)
@settings(deadline=None)
def test_turning_to_patient_axes_and_back_is_the_identity(axes):
    order, signs, mm = axes
    matrix = np.eye(4)
    matrix[:3, :3] = np.diag([s * mm for s in signs])[:, list(order)]
    array = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    grid = working_grid(array.shape, matrix)
    assert np.array_equal(grid.turned_back(grid.turned(array)), array)


@given(axes_of_a_scan)
@settings(deadline=None)
def test_the_last_working_axis_runs_to_the_patients_left(axes):
    order, signs, mm = axes
    matrix = np.eye(4)
    matrix[:3, :3] = np.diag([s * mm for s in signs])[:, list(order)]
    shape = (4, 5, 6)
    x_mm = np.einsum("zyxi,i->zyx", np.moveaxis(np.indices(shape), 0, -1), matrix[0, :3])
    turned = working_grid(shape, matrix).turned(x_mm)
    assert (np.diff(turned, axis=2) > 0).all()


def test_blocks_are_averaged_and_what_lies_beyond_the_scan_does_not_count():
    grid = working_grid((2, 3, 2), np.diag([1.0, 1.0, 1.0, 1.0]))
    full = np.arange(12, dtype=np.int16).reshape(2, 3, 2)
    reduced = grid.reduce(full)
    assert reduced.tolist() == [[[4], [(4 + 5 + 10 + 11) // 4]]]


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_chest_wall_that_the_field_of_view_cuts_keeps_the_air_outside_apart_from_the_lung(cut):
    """The wall reaches the right edge with a part of a block: filled with air, it would be none, and leak."""
    hu = np.full((20, 60, 60 + cut), 40, np.int16)
    hu[:, :12] = hu[:, :, :9] = -1000
    hu[:, 21:51, 24:] = -850
    grid = working_grid(hu.shape, np.array([[0, 0, 0.7, 0], [0, 0.7, 0, 0], [5.0, 0, 0, 0], [0, 0, 0, 1]]))

    _, air = body_and_air(grid.reduce(grid.turned(hu)))

    assert grid.factors == (1, 3, 3)
    assert np.array_equal(grid.turned_back(grid.enlarged(air)), hu == -850)


def test_the_table_is_no_part_of_the_body():
    hu = cylinder()
    hu[:, 76:78, 20:60] = 100
    body, _ = body_and_air(hu)
    assert not body[:, 77].any()


def test_air_in_the_body_is_found_and_outside_air_is_not():
    hu = cylinder()
    hu[5:25, 30:50, 30:50] = -850
    _, air = body_and_air(hu)
    assert np.array_equal(air, hu == -850)


def test_holes_within_a_slice_are_filled_and_bays_are_not():
    mask = np.zeros((1, 9, 9), bool)
    mask[0, 1:8, 1:8] = True
    mask[0, 3, 3] = False
    mask[0, 5, 5:9] = False
    filled = filled_in_slices(mask)
    assert filled[0, 3, 3]
    assert not filled[0, 5, 6]


def test_lung_at_the_border_of_the_field_is_told_from_air_and_foam():
    hu = np.full((3, 60, 60), 0, np.int16)
    hu[:, 15:45, 40:] = -850  # lung without its wall
    hu[:, :5] = -1000  # air in front
    hu[:, 55:] = -900  # foam below the body, on a plate
    outside = hu < -300
    found = cut_lung(hu, hu > -300, outside)
    mattress = cut_lung(np.where(hu == -1000, 0, hu).astype(np.int16), hu > -300, hu == -900)
    foam_has_no_wall = cut_lung(hu, (hu > -300) & (np.arange(60) < 50)[:, None], outside)
    assert np.array_equal(found[:, 5:55], (hu == -850)[:, 5:55])
    assert not found[:, :5].any()
    assert not foam_has_no_wall[:, 55:].any()
    assert not mattress.any()


@pytest.mark.parametrize("wall", range(5))
def test_lung_behind_what_the_field_leaves_of_the_chest_wall_is_found(wall):
    """One or two voxels of wall go with the bridges to the table: the lung of the slice went with them."""
    hu = np.full((5, 60, 60), 40, np.int16)
    hu[:, :8] = -1000
    hu[:, 20:50, 25 : 60 - wall] = -850

    _, air = body_and_air(hu)

    assert np.array_equal(air, hu == -850)


def test_lung_whose_front_wall_a_round_field_hides_almost_wholly_is_found():
    y, x = np.mgrid[:80, :80]
    hu = np.full((3, 80, 80), 40, np.int16)
    hu[:, (x > 48) & (y > 9) & (y < 64)] = -850
    hu[:, ~disc((80, 80), (40, 40), 34)] = -1024  # beyond the field

    found = cut_lung(hu, hu > -300, hu == -850)

    assert np.array_equal(found, hu == -850)


def pipe(z_top=29, z_end=10, gas=-1000):
    hu = cylinder(30)
    hu[z_end : z_top + 1, disc((80, 80), (40, 40), 4)] = gas
    return hu


def test_a_round_upright_tube_of_air_is_the_windpipe():
    hu = pipe()
    found = windpipe(hu, hu < -300, MM)
    assert found is not None
    assert found[15, 40, 40]


def test_a_longer_tube_below_the_lungs_is_bowel():
    hu = np.full((90, 80, 80), -1000, np.int16)
    hu[:, disc((80, 80), (40, 40), 35)] = 30
    hu[2:42, disc((80, 80), (40, 60), 4)] = -1000
    hu[50:84, 25:55, 15:33] = hu[50:84, 25:55, 47:65] = -850
    hu[62:82, disc((80, 80), (40, 40), 4)] = -1000
    _, air = body_and_air(hu)
    tree = airways(hu, air, MM)
    assert tree is not None
    assert tree[70, 40, 40]
    assert not tree[20, 40, 60]


def test_a_short_tube_is_no_windpipe():
    hu = pipe(z_end=20)
    _, air = body_and_air(hu)
    assert windpipe(hu, air, MM) is None


def test_a_tube_as_dense_as_lung_is_no_windpipe():
    hu = pipe(gas=-800)
    _, air = body_and_air(hu)
    assert windpipe(hu, air, MM) is None


def test_airways_stop_where_they_would_leak_into_the_lung():
    hu = pipe()
    hu[2:10, 20:60, 15:65] = -860
    hu[8:12, 38:43, 38:43] = -1000  # an open end in the lung
    _, air = body_and_air(hu)
    tree = airways(hu, air, MM)
    assert tree is not None
    assert tree[20, 40, 40]
    assert np.count_nonzero(tree & (hu == -860)) * 0.008 < 10


def test_plain_gas_is_no_lung_and_lung_is():
    hu = cylinder(30)
    hu[2:28, 20:60, 18:36] = -850
    hu[2:28, 30:50, 44:60] = -990
    _, air = body_and_air(hu)
    kept = lung_pieces(hu, air, 0.008)
    assert kept[10, 40, 20]
    assert not kept[10, 40, 50]


def test_a_bowel_of_gas_and_stool_below_the_lungs_is_no_lung():
    hu = np.concatenate([cylinder(30), cylinder(30)])
    hu[30:58, 15:65, 18:58] = -850
    hu[4:26, 25:60, 25:55] = -800  # 185 ml as dense as lung
    _, air = body_and_air(hu)
    kept = lung_pieces(hu, air, 0.008)
    assert kept[40, 40, 40]
    assert not kept[:28].any()


def test_a_small_lung_beside_a_large_one_stays_where_its_base_is_lower():
    hu = np.concatenate([cylinder(30), cylinder(30)])
    hu[20:58, 15:65, 18:36] = -850
    hu[14:34, 20:60, 44:62] = -850  # 115 ml, most of it at the other's height
    _, air = body_and_air(hu)
    kept = lung_pieces(hu, air, 0.008)
    assert kept[16, 40, 50]


def test_a_small_piece_of_lung_counts_only_beside_a_large_one():
    hu = cylinder(30)
    hu[2:28, 20:60, 18:36] = -850
    hu[10:20, 30:40, 38:46] = -850  # 6 ml, 4 mm away
    hu[10:20, 60:68, 50:58] = -850  # 5 ml, far away
    _, air = body_and_air(hu)
    kept = lung_pieces(hu, air, 0.008)
    assert kept[15, 35, 42]
    assert not kept[15, 64, 54]


def test_a_gas_bubble_on_the_lung_is_taken_off_and_a_bulla_in_it_stays():
    hu = np.full((40, 80, 80), 30, np.int16)
    hu[4:38, 10:60, 10:50] = -850
    bubble = ball(hu.shape, (8, 40, 56), 7)
    bulla = ball(hu.shape, (10, 30, 28), 6)
    hu[bubble | bulla] = -1000
    kept = without_gas(hu, hu < -300, 0.008)
    assert not kept[8, 40, 58]
    assert kept[10, 30, 28]


@pytest.mark.parametrize(("gap_mm", "bridged"), [(6.0, True), (14.0, False)])
def test_a_closing_of_4_mm_bridges_gaps_below_8_mm(gap_mm, bridged):
    mask = np.zeros((20, 20, 40), bool)
    width = round(gap_mm / 2.0)
    mask[:, :, 5:18] = True
    mask[:, :, 18 + width : 36] = True
    assert bool(closed(mask, 4.0, MM)[10, 10, 18 + width // 2]) is bridged


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=25)
def test_a_closing_takes_nothing_away(seed):
    mask = np.random.default_rng(seed).random((8, 9, 10)) < 0.3
    assert (closed(mask, 4.0, (3.0, 2.0, 2.0)) | ~mask).all()


def test_an_enclosed_nodule_is_lung_and_a_mass_is_not():
    lung = np.ones((40, 40, 40), bool)
    nodule, mass = ball(lung.shape, (10, 10, 10), 4), ball(lung.shape, (25, 25, 25), 10)
    filled = with_enclosed(lung & ~nodule & ~mass, 0.008)
    assert filled[nodule].all()
    assert not filled[mass].any()


def test_one_piece_on_the_right_of_the_middle_is_the_right_lung():
    lungs = np.zeros((20, 40, 80), bool)
    lungs[:, 5:35, 5:35] = True
    hu = np.where(lungs, -850, 30).astype(np.int16)
    assert set(np.unique(sides(hu, lungs, 40.0, MM))) == {0, 1}
