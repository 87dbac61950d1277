"""What the other lung shows: a mass on the spine that is let go between slices is lung, heart and liver are not."""

import numpy as np
import pytest
from scipy import ndimage

from node.segment.postprocess.midplane import midplane
from node.segment.postprocess.mirrored_masses import missing_by_mirror

MM = (4.0, 2.0, 2.0)
SHAPE = (40, 130, 180)  # 16 x 26 x 36 cm
RIGHT, LEFT = 50, 130  # middles of the lungs; the spine is at 90
MASS = (slice(14, 26), slice(70, 86), slice(66, 80))  # on the spine's right side
SEEN = slice(14, 18)  # the slices on which the mask holds it


def disc(y, x, radius_y, radius_x):
    rows, columns = np.mgrid[: SHAPE[1], : SHAPE[2]]
    return ((rows - y) / radius_y) ** 2 + ((columns - x) / radius_x) ** 2 <= 1


@pytest.fixture
def chest():
    """A chest with two alike lungs on slices 4 to 35, spine and ribs, HU and mask."""
    hu = np.full(SHAPE, 40, np.int16)
    hu[:, ~disc(65, 90, 62, 88)] = -1000
    lungs = np.zeros(SHAPE, bool)
    lungs[4:36, disc(60, RIGHT, 38, 32) | disc(60, LEFT, 38, 32)] = True
    hu[lungs] = -850
    hu[:, disc(90, 90, 9, 9)] = 400
    hu[:, disc(14, 90, 4, 12)] = 400
    for z in range(0, 40, 5):
        hu[z : z + 2, disc(65, 90, 54, 84) & ~disc(65, 90, 51, 81)] = 300
    return hu, lungs


def with_mass(chest, seen=SEEN):
    """Fill the mass in, in the mask on some slices alone."""
    hu, lungs = (one.copy() for one in chest)
    hu[MASS] = np.where(lungs[MASS], 40, hu[MASS])
    mass = np.zeros(SHAPE, bool)
    mass[MASS] = lungs[MASS]
    lungs &= ~mass
    lungs[seen] |= mass[seen]
    return hu, lungs, mass


def added(hu, lungs):
    return missing_by_mirror(lungs, hu, np.zeros(SHAPE, bool), MM)


def test_a_mass_that_is_let_go_is_completed_and_nothing_else(chest):
    hu, lungs, mass = with_mass(chest)
    found = added(hu, lungs)
    left_out = mass & ~lungs
    assert np.count_nonzero(found & left_out) > 0.9 * np.count_nonzero(left_out)
    assert not (found & ~left_out).any()


def test_a_mass_that_is_seen_from_above_is_completed_below(chest):
    hu, lungs, mass = with_mass(chest, slice(22, 26))
    left_out = mass & ~lungs
    assert np.count_nonzero(added(hu, lungs) & left_out) > 0.9 * np.count_nonzero(left_out)


def test_without_a_piece_of_it_in_the_lungs_nothing_is_added(chest):
    hu, lungs, _ = with_mass(chest, slice(0, 0))
    assert not added(hu, lungs).any()


def test_a_heart_that_stands_on_the_abdomen_is_not_added(chest):
    """It lies in the mirror image of the other lung and touches the mass."""
    hu, lungs, mass = with_mass(chest)
    heart = np.zeros(SHAPE, bool)
    heart[4:22, disc(48, 76, 26, 16)] = True
    heart &= chest[1]
    heart[:, 70:] = False
    hu[heart] = 40
    lungs &= ~heart
    found = added(hu, lungs)
    assert (found & mass).any()
    away_mm = ndimage.distance_transform_edt(~mass, MM)
    assert away_mm[found & heart].max(initial=0) <= 14.0  # 8 beside, and back to the image's border
    assert np.count_nonzero(found & heart) < 0.05 * np.count_nonzero(heart)


def test_what_the_network_ends_beside_a_dense_piece_is_left(chest):
    """A mediastinum that bulges into one lung beside a mass that the mask holds whole."""
    hu, lungs, _ = with_mass(chest, MASS[0])
    bulge = np.zeros(SHAPE, bool)
    bulge[14:24, 50:70, 62:82] = chest[1][14:24, 50:70, 62:82]
    hu[bulge] = 40
    lungs[16:24] &= ~bulge[16:24]
    assert not added(hu, lungs).any()


def test_a_second_mass_that_the_lungs_hold_nothing_of_is_left(chest):
    hu, lungs, mass = with_mass(chest)
    second = np.zeros(SHAPE, bool)
    second[20:26, 42:58, 100:116] = chest[1][20:26, 42:58, 100:116]
    hu[second] = 40
    lungs &= ~second
    found = added(hu, lungs)
    assert (found & mass).any()
    assert not (found & second).any()


def test_bone_and_aorta_are_not_added(chest):
    hu, lungs, mass = with_mass(chest)
    hu[20, mass[20]] = 300
    aorta = np.zeros(SHAPE, bool)
    aorta[22] = mass[22]
    found = missing_by_mirror(lungs, hu, aorta, MM)
    assert found[18].any()
    assert not found[20].any()
    assert not found[22].any()


def test_fat_beside_the_mass_is_not_added(chest):
    hu, lungs, mass = with_mass(chest)
    fat = np.zeros(SHAPE, bool)
    fat[MASS[0], MASS[1], 74:80] = mass[MASS[0], MASS[1], 74:80]
    fat[:18] = False
    hu[fat] = -100
    found = added(hu, lungs)
    assert (found & mass & ~fat).any()
    beside = ndimage.distance_transform_edt(fat, MM) > 4.0  # the mean of a fat voxel beside the mass is no fat
    deep_mm = ndimage.distance_transform_edt(hu > -500, MM) > 4.0
    assert (fat & beside & deep_mm).any()
    assert not (found & fat & beside & deep_mm).any()


def test_what_lies_beyond_the_hull_of_both_lungs_is_not_added(chest):
    """A mass in the front, where the mirror image reaches further than the lung with the mass."""
    hu, lungs = (one.copy() for one in chest)
    lungs[14:26, 22:40, 30:70] = False
    hu[14:26, 22:40, 30:70] = np.where(chest[1][14:26, 22:40, 30:70], 40, hu[14:26, 22:40, 30:70])
    lungs[14:18] |= chest[1][14:18]
    found = added(hu, lungs)
    assert found[20, 35:40, 42:60].all()
    assert not found[20, :29, 42:60].any()


@pytest.mark.parametrize("tilt_deg", [-6, 0, 4])
@pytest.mark.parametrize("shift", [0, -9])
def test_the_plane_is_found_where_the_bones_are_alike(chest, tilt_deg, shift):
    """Also where one lung is half as large, since lungs do not decide it."""
    hu, lungs = chest
    lungs = lungs.copy()
    lungs[:, :, LEFT + 5 :] = False
    hu = ndimage.shift(
        ndimage.rotate(hu, tilt_deg, (1, 2), False, order=0, cval=-1000), (0, 0, shift), order=0, cval=-1000
    )
    lungs = ndimage.shift(ndimage.rotate(lungs, tilt_deg, (1, 2), False, order=0), (0, 0, shift), order=0)
    middle = (SHAPE[1] - 1) / 2.0
    expected = 89.75 + shift + np.tan(np.deg2rad(tilt_deg)) * (np.arange(SHAPE[1]) - middle)
    away_mm = np.abs(midplane(hu, lungs, MM).columns - expected)[5:35, 20:110] * MM[2]
    assert away_mm.max() < 5.0
