"""Times for people: as the clock on the wall shows them, with its zone."""

from datetime import UTC, datetime


def local_time(at_s: float) -> str:
    """Write a time in seconds since 1970, such as `2026-03-01 14:05:09 CET`."""
    return f"{datetime.fromtimestamp(at_s, UTC).astimezone():%Y-%m-%d %H:%M:%S %Z}"
