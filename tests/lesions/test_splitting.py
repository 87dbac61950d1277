"""Lesions that touch are split where it is safe, and only there."""

import pytest

from node.segment.lesions.splitting import split
from tests.lesions.conftest import balls

MM = (1.0, 1.0, 1.0)


@pytest.mark.parametrize(("one", "other"), [(8.0, 8.0), (6.0, 9.0)])
def test_two_touching_balls_are_two_lesions(one, other):
    mask, hu = balls([(28, 28, 26 - one), (28, 28, 26 + other)], [one, other])

    parts = split(mask, hu, MM)

    assert len(parts) == 2
    assert (parts[0] | parts[1]).sum() == mask.sum()
    assert not (parts[0] & parts[1]).any()
    ratio = parts[0].sum() / parts[1].sum()
    assert min(ratio, 1 / ratio) == pytest.approx(min(one, other) ** 3 / max(one, other) ** 3, rel=0.25)


@pytest.mark.parametrize(("gap", "bar"), [(4.0, 2.8), (6.0, 4.0), (2.0, 4.0)])
def test_a_dumbbell_of_one_density_stays_one_lesion(gap, bar):
    mask, hu = balls([(28, 28, 19 - gap / 2), (28, 28, 35 + gap / 2)], [8.0, 8.0], bar_mm=bar)

    assert len(split(mask, hu, MM)) == 1


def test_two_balls_that_share_a_waist_stay_one_lesion():
    mask, hu = balls([(28, 28, 22), (28, 28, 34)], [8.0, 8.0])

    assert len(split(mask, hu, MM)) == 1


def test_one_ball_stays_itself():
    mask, hu = balls([(28, 28, 28)], [9.0])

    (part,) = split(mask, hu, MM)
    assert (part == mask).all()
