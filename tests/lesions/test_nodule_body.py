"""A nodule's body: vessels that run into it are off, its hollow is in, and small ones stay whole."""

import numpy as np
import pytest

from node.segment.lesions.nodule_body import nodule_body

N = 48
Z, Y, X = np.mgrid[:N, :N, :N]


def ball(radius: float, centre=(24, 24, 24)):
    return sum((axis - c) ** 2 for axis, c in zip((Z, Y, X), centre, strict=True)) <= radius**2


def dice(a, b):
    return 2.0 * (a & b).sum() / (a.sum() + b.sum())


@pytest.mark.parametrize("radius", [2.0, 4.0, 9.0, 14.0])
def test_a_nodule_alone_stays_as_it_is(radius):
    one = ball(radius)
    assert dice(nodule_body(one, one), one) > 0.98


def test_a_vessel_that_runs_into_it_ends_beside_it_and_the_lump_at_its_end_is_off():
    one = ball(9.0, (20, 24, 16))
    vessel = ((Z - 20) ** 2 + (Y - 24) ** 2 <= 2.0**2) & (X >= 16) & (X <= 42)
    lump = ball(4.0, (20, 24, 41))

    body = nodule_body(one | vessel | lump, one)

    assert dice(body, one) > 0.95
    assert body[20, 24].nonzero()[0].max() <= 16 + 9 + 4
    assert dice(body, one) > dice(one | vessel | lump, one) + 0.03


def test_a_hollow_whose_wall_is_open_is_filled():
    shell = ball(10.0) & ~ball(7.0)
    open_wall = shell & ~((Y >= 24) & (Y <= 25) & (X > 24))  # two voxels wide, on every slice

    assert dice(nodule_body(shell, shell), ball(10.0)) > 0.97
    assert dice(nodule_body(open_wall, shell), ball(10.0)) > 0.97


def test_of_two_bodies_that_a_vessel_joins_the_marked_one_stays():
    one, other = ball(6.0, (24, 24, 10)), ball(7.0, (24, 24, 36))
    vessel = ((Z - 24) ** 2 + (Y - 24) ** 2 <= 1.5**2) & (X >= 10) & (X <= 36)

    assert dice(nodule_body(one | other | vessel, one), one) > 0.95
    assert not nodule_body(one | other | vessel, ball(2.0, (40, 40, 40))).any()
