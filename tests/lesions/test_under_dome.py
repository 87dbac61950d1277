"""What lies in the liver is no lesion; what lies on the diaphragm, in the mediastinum or above the lungs is kept."""

import numpy as np
import pytest

from node.segment.lesions.candidates import Candidate
from node.segment.lesions.under_dome import is_under_dome

STEP_MM = 2.0


def lungs():
    """Return the closed lungs (head, back, left) over a dome: its top at slice 30, its rim at 10."""
    z, y, x = np.indices((80, 60, 60))
    away = np.hypot(y - 30, x - 30)
    inside = (away <= 25) & (z < 70) & (z >= 30 - 20 * (away / 25) ** 2)
    inside[:, :, 56:] = False
    return inside


def ball(z, y, x, radius=4):
    at = np.indices((80, 60, 60))
    mask = sum((a - c) ** 2 for a, c in zip(at, (z, y, x), strict=True)) <= radius**2
    box = tuple(slice(c - radius, c + radius + 1) for c in (z, y, x))
    return Candidate(box, mask[box])


@pytest.mark.parametrize(
    ("place", "is_under"),
    [
        ((22, 30, 30), True),  # in the liver, a few voxels under its top
        ((34, 30, 30), False),  # in the lung on the dome
        ((30, 30, 30), False),  # half in the dome: a lesion on the diaphragm
        ((72, 30, 30), False),  # above the apex
        ((5, 30, 30), False),  # in the belly, farther than the reach below any lung
    ],
)
def test_only_what_lies_under_a_dome_is_left_out(place, is_under):
    assert is_under_dome(ball(*place), lungs(), STEP_MM) is is_under


def test_a_mass_between_lung_above_and_below_is_kept():
    inside = lungs()
    inside[40:55, 20:40, 20:40] = False  # a mediastinum that the closing leaves open

    assert not is_under_dome(ball(47, 30, 30), inside, STEP_MM)


def test_coarse_slices_reach_as_far_in_millimetres():
    inside = np.zeros((20, 9, 9), bool)
    inside[12:] = True

    assert is_under_dome(ball_of(6), inside, 5.0)
    assert not is_under_dome(ball_of(2), inside, 5.0)  # 45 mm below the lung


def ball_of(z):
    return Candidate((slice(z, z + 2), slice(3, 6), slice(3, 6)), np.ones((2, 3, 3), bool))
