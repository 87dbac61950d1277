"""Organs under the diaphragm are taken off a network's lungs; masses stay."""

import numpy as np
import pytest

from node.segment.postprocess.domes_off import without_domes

SPACING_MM = (3.0, 2.0, 2.0)
SHAPE = (40, 80, 80)
LUNG_HU, TISSUE_HU = -820, 40


def chest():
    """One lung, round and 120 mm wide from slice 5 up, in a body; the abdomen below is tissue."""
    z, y, x = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    lung = (np.hypot(y - 40, x - 40) < 30) & (z >= 5)
    hu = np.where(lung, LUNG_HU, TISSUE_HU).astype(np.int16)
    return hu, lung


def ball(centre, radius_mm):
    z, y, x = (np.arange(n) * step for n, step in zip(SHAPE, SPACING_MM, strict=True))
    at = [c * step for c, step in zip(centre, SPACING_MM, strict=True)]
    return (z[:, None, None] - at[0]) ** 2 + (y[:, None] - at[1]) ** 2 + (x - at[2]) ** 2 < radius_mm**2


def test_the_filled_top_of_a_dome_goes_and_the_lung_round_it_stays():
    hu, lung = chest()
    dome = ball((2, 40, 40), 40.0) & lung
    hu[dome] = TISSUE_HU
    filled = lung & ~dome
    filled[12:] = lung[12:]  # the network saw a ring of lung and filled it
    answer = without_domes(filled, hu, SPACING_MM)

    assert not answer[dome].any()
    assert np.array_equal(answer, lung & ~dome)


def test_a_stomach_with_gas_loses_its_wall_so_that_its_gas_hangs_on_nothing():
    hu, lung = chest()
    stomach = ball((2, 40, 40), 36.0) & lung
    gas = ball((10, 40, 40), 8.0) & stomach
    hu[stomach] = TISSUE_HU
    hu[gas] = -1000
    taken = lung & ~stomach
    taken[8:] = lung[8:]
    answer = without_domes(taken, hu, SPACING_MM)

    assert not answer[stomach & ~gas].any()


@pytest.mark.parametrize(
    "centre", [(20, 40, 40), (20, 40, 64), (37, 40, 40)], ids=["inside", "at the wall", "at the apex"]
)
def test_a_mass_with_lung_below_it_stays(centre):
    hu, lung = chest()
    mass = ball(centre, 15.0) & lung
    hu[mass] = TISSUE_HU

    assert np.array_equal(without_domes(lung, hu, SPACING_MM), lung)


@pytest.mark.parametrize("radius_mm", [9.0, 24.0])
def test_a_mass_on_the_diaphragm_stays_where_it_is_as_high_as_wide(radius_mm):
    hu, lung = chest()
    mass = ball((5 + radius_mm / 6.0, 40, 40), radius_mm) & lung
    hu[mass] = TISSUE_HU

    assert np.array_equal(without_domes(lung, hu, SPACING_MM), lung)


def test_vessels_stay():
    hu, lung = chest()
    hu[5:20, 30:33, 30:33] = TISSUE_HU

    assert np.array_equal(without_domes(lung, hu, SPACING_MM), lung)


def test_no_lungs_no_domes():
    nothing = np.zeros(SHAPE, bool)
    assert not without_domes(nothing, np.zeros(SHAPE, np.int16), SPACING_MM).any()
