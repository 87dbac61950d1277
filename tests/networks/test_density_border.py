"""A network's lungs with their border where the density says."""

import numpy as np
import pytest

from node.segment.postprocess.density_border import at_density_border

LUNG_HU, TISSUE_HU, TUMOUR_HU = -800, 40, 30
PIXEL_MM = 1.0


@pytest.fixture
def truth() -> np.ndarray:
    """One lung of 60 x 40 mm."""
    lung = np.zeros((1, 100, 100), bool)
    lung[0, 20:80, 30:70] = True
    return lung


def scan(lung: np.ndarray) -> np.ndarray:
    return np.where(lung, LUNG_HU, TISSUE_HU).astype(np.int16)


@pytest.mark.parametrize("by", [-1, 2], ids=["too small", "too large"])
def test_a_border_that_is_off_comes_to_lie_where_the_lung_ends(truth: np.ndarray, by: int) -> None:
    off = np.zeros_like(truth)
    off[0, 20 - by : 80 + by, 30 - by : 70 + by] = True
    assert np.array_equal(at_density_border(off, scan(truth), PIXEL_MM), truth)


def test_a_tumour_on_the_wall_stays_in_a_mask_that_has_it_and_out_of_one_that_has_not(truth: np.ndarray) -> None:
    hu = scan(truth)
    hu[0, 40:60, 30:50] = TUMOUR_HU
    with_tumour = at_density_border(truth, hu, PIXEL_MM)
    assert with_tumour[0, 42:58, 34:48].all()
    without = at_density_border(truth & (hu < 0), hu, PIXEL_MM)
    assert not without[0, 43:57, 34:47].any()


def test_a_vessel_in_the_rim_is_closed_over(truth: np.ndarray) -> None:
    hu = scan(truth)
    hu[0, 50:52, 30:36] = TISSUE_HU
    assert at_density_border(truth, hu, PIXEL_MM)[0, 50:52, 32:36].all()


def test_gas_behind_a_thin_wall_is_not_taken_in(truth: np.ndarray) -> None:
    hu = scan(truth)
    hu[0, 82:95, 30:70] = -1000  # 2 mm below the lung
    drawn = at_density_border(truth, hu, PIXEL_MM)
    assert not drawn[0, 83:].any()


def test_nothing_stays_nothing() -> None:
    empty = np.zeros((2, 20, 20), bool)
    assert not at_density_border(empty, np.full((2, 20, 20), -800, np.int16), PIXEL_MM).any()
