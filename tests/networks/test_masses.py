"""A mass that the lungs hold on some slices comes in whole where a tumour network marks it, and nothing else does."""

import numpy as np
import pytest

from node.segment.postprocess.masses import dense_cores, missing_of_masses

MM = (3.0, 2.0, 2.0)
LOST = slice(8, 12)


def scan():
    """A lung with a mass in the bay of its wall; the lungs hold the mass on all slices but four."""
    hu = np.full((20, 60, 60), 40, np.int16)
    hu[:, 5:55, 5:35] = -800
    mass = np.zeros(hu.shape, bool)
    mass[3:17, 20:36, 22:38] = True
    hu[mass] = 30
    lungs = (hu < -250) | mass
    lungs[LOST] &= ~mass[LOST]
    return hu, lungs, mass


def missing(hu, lungs, tumour):
    return missing_of_masses(lungs.astype(np.uint8), dense_cores(lungs, hu, MM), hu, tumour, MM)


def test_the_lost_slices_of_a_mass_come_in():
    hu, lungs, mass = scan()

    added = missing(hu, lungs, mass)

    assert added[LOST][mass[LOST]].mean() > 0.9
    assert not (added & ~mass).any()
    assert not (added & lungs).any()


def test_nothing_comes_in_that_is_not_called_tumour():
    hu, lungs, mass = scan()

    assert not missing(hu, lungs, np.zeros_like(mass)).any()
    assert not missing(hu, lungs, mass & ~lungs).any()  # none of what the lungs hold is called tumour


def test_a_tumour_that_the_lungs_hold_nothing_of_stays_out():
    hu, lungs, mass = scan()
    lungs &= ~mass

    assert not missing(hu, lungs, mass).any()


def test_what_the_lung_does_not_bound_stays_out_though_it_is_called_tumour():
    hu, lungs, mass = scan()
    organ = np.zeros_like(mass)
    organ[:, 20:36, 38:58] = True

    added = missing(hu, lungs, mass | organ)

    assert added[mass & ~lungs].mean() > 0.9
    assert not added[organ].any()


@pytest.mark.parametrize("thin", [np.s_[:, 20:36, 38:40], np.s_[:, 27:29, 38:58]])
def test_a_rim_and_a_vessel_beside_a_mass_stay_out(thin):
    hu, lungs, mass = scan()
    lungs |= mass
    lungs[:, 5:55, 42:58] = True  # lung on the other side, too: the closing alone would fill what lies between
    hu[:, 5:55, 42:58] = -800
    more = np.zeros_like(mass)
    more[thin] = True
    hu[more & ~lungs] = 40

    assert not missing(hu, lungs, mass | (more & ~lungs)).any()


def test_what_lies_between_the_lungs_is_bounded_by_neither():
    hu, lungs, mass = scan()
    hu[:, 5:55, 44:58] = -800
    labels = np.where(lungs, 1, np.where(hu < -250, 2, 0)).astype(np.uint8)
    between = np.zeros_like(mass)
    between[:, 10:50, 35:44] = True

    added = missing_of_masses(labels, dense_cores(labels > 0, hu, MM), hu, mass | between, MM)

    assert added[mass & ~lungs].mean() > 0.9
    assert (added & ~mass).sum() < 0.05 * (between & ~mass).sum()


def test_air_is_not_added():
    hu, lungs, mass = scan()
    hu[LOST][mass[LOST]] = -600

    assert not missing(hu, lungs, mass).any()


def test_lungs_without_dense_tissue_have_no_cores():
    hu, lungs, mass = scan()

    assert not dense_cores(lungs & ~mass, hu, MM).any()
