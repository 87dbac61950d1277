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
    bulge[16:24, 50:70, 66:82] = chest[1][16:24, 50:70, 66:82]
    hu[bulge] = 40
    lungs[bulge] = False
    lungs[15, 50:70, 66:82] |= chest[1][15, 50:70, 66:82]
    assert not added(hu, lungs).any()


def test_bone_and_aorta_are_not_added(chest):
    hu, lungs, mass = with_mass(chest)
    hu[20, mass[20]] = 300
    aorta = np.zeros(SHAPE, bool)
    aorta[22] = mass[22]
    found = missing_by_mirror(lungs, hu, aorta, MM)
    assert found[18].any()
    assert not found[20].any()
    assert not found[22].any()


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
