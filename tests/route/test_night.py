"""When off-peak cases may start."""

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.route.night import Night, next_opening

NIGHT = Night(time(20, 0), time(6, 0))
EARLY = Night(time(1), time(5))


@pytest.mark.parametrize(
    ("night", "hour", "opens"),
    [
        (NIGHT, 19, 20),
        (NIGHT, 20, 20),
        (NIGHT, 23, 23),
        (NIGHT, 3, 3),
        (NIGHT, 6, 20),
        (Night(time(1), time(5)), 6, 25),
    ],
)
def test_the_window_opens_in_the_evening_and_spans_midnight(night, hour, opens):
    assert next_opening(night, datetime(2026, 1, 5, hour)) == datetime(2026, 1, 5) + timedelta(hours=opens)


times = st.times().map(lambda t: t.replace(second=0, microsecond=0))


@given(begins=times, ends=times, now=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))
def test_the_opening_is_never_past_and_never_over_a_day_away(begins, ends, now):
    opening = next_opening(Night(begins, ends), now)

    assert now <= opening <= now + timedelta(days=1)
    assert Night(begins, ends).holds(opening)
