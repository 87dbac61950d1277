"""Times of a PET's header: with seconds, or not at all."""

from datetime import datetime, time

import pytest

from node.facts.pet_header import clock, moment


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("20240506101500", datetime(2024, 5, 6, 10, 15)),
        ("20240506101500.25", datetime(2024, 5, 6, 10, 15, 0, 250_000)),
        ("20240506101500.000000+0200", datetime(2024, 5, 6, 10, 15)),
        ("20240506101500.", None),
        ("202405061015", None),
        ("20240506", None),
        ("101500", None),
        ("20240231101500", None),
        ("20240506251500", None),
        ("", None),
    ],
)
def test_a_moment_has_a_date_that_exists_and_seconds(text: str, found: datetime | None) -> None:
    assert moment(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("101500", time(10, 15)),
        ("101500.5", time(10, 15, 0, 500_000)),
        ("101500.000001", time(10, 15, 0, 1)),
        ("10:15:00", None),
        ("1015", None),
        ("246000", None),
        ("101560", None),
    ],
)
def test_a_time_of_day_has_seconds(text: str, found: time | None) -> None:
    assert clock(text) == found
