"""A nodule's body: vessels that run into it are off, its hollow is in, small ones stay whole; and that of a mass."""

import numpy as np
import pytest

from node.segment.lesions.mass_body import mass_body
from node.segment.lesions.nodule_body import nodule_body as body_of

N = 48
Z, Y, X = np.mgrid[:N, :N, :N]


def ball(radius: float, centre=(24, 24, 24)):
    return sum((axis - c) ** 2 for axis, c in zip((Z, Y, X), centre, strict=True)) <= radius**2


def nodule_body(piece, mark):
    """Return the body where the densities say nothing of a hollow."""
    return body_of(piece, mark, np.full(piece.shape, -400, np.int16))


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


@pytest.mark.parametrize("gap", [2, 4])
def test_a_hollow_that_the_picture_shuts_in_is_filled_though_the_network_left_its_wall_open(gap):
    shell = ball(10.0) & ~ball(7.0)
    drawn = shell & ~((np.abs(Y - 24) <= gap) & (X > 24))
    hu = np.where(shell, 20, -850).astype(np.int16)

    body = body_of(drawn, drawn, hu)

    assert dice(body, ball(10.0)) > 0.92
    assert dice(body, ball(10.0)) > dice(nodule_body(drawn, drawn), ball(10.0)) + 0.2


def test_air_that_is_not_shut_in_by_the_nodule_stays_out():
    one = ball(6.0, (24, 24, 14))
    bronchus = (Y - 24) ** 2 + (X - 34) ** 2 <= 3.0**2
    wall = ((Y - 24) ** 2 + (X - 34) ** 2 <= 5.0**2) & ~bronchus
    hu = np.where(one | wall, 20, -850).astype(np.int16)

    assert dice(body_of(one, one, hu), one) > 0.98
    assert not body_of(one | (wall & (X < 34)), one, hu)[bronchus].any()


def test_a_mass_loses_the_vessel_that_leans_on_it_and_keeps_its_spikes():
    mm = (2.0, 1.0, 1.0)
    mass = (2 * (Z - 24)) ** 2 + (Y - 24) ** 2 + (X - 16) ** 2 <= 14.0**2
    spike = (np.abs(Z - 24) <= 1) & (np.abs(Y - 24) <= 1) & (X >= 16) & (X <= 34)
    vessel = (np.abs(Z - 24) <= 1) & (np.abs(Y - 24) <= 3) & (X >= 16)

    assert (mass_body(mass | spike, mm) == (mass | spike)).all()
    body = mass_body(mass | vessel, mm)
    assert body[mass].all()
    assert not body[:, :, 37:].any()
    assert vessel[:, :, 37:].any()


def test_of_a_mass_the_largest_thick_part_stays_and_what_is_nowhere_thick_stays_whole():
    mm = (1.0, 1.0, 1.0)
    one, other = ball(9.0, (24, 24, 12)), ball(7.0, (24, 24, 38))
    bridge = ((Z - 24) ** 2 + (Y - 24) ** 2 <= 2.0**2) & (X >= 12) & (X <= 38)
    thin = ball(4.0)

    body = mass_body(one | bridge | other, mm)

    assert body[one].all()
    assert not body[ball(4.0, (24, 24, 38))].any()
    assert (mass_body(thin, mm) == thin).all()
