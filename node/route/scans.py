"""Are two series reconstructions of one scan?

Same study, same frame of reference, overlapping by half of the shorter one, and neither Acquisition Number nor the
times of acquisition contradict it. What is missing contradicts nothing.
"""

from datetime import datetime

from node.facts.series import SeriesFacts
from node.route.extent import extent, overlap_frac

LEAST_OVERLAP_FRAC = 0.5
SAME_ACQUISITION_WITHIN_S = 60.0  # reconstructions of one scan carry times that differ by the reconstruction


def same_scan(one: SeriesFacts, other: SeriesFacts) -> bool:
    """Say whether two CT series show one acquisition."""
    frame = one.first.geometry.frame_of_reference_uid
    if not frame or frame != other.first.geometry.frame_of_reference_uid:
        return False
    first, second = extent(one), extent(other)
    if first is None or second is None or overlap_frac(first, second) < LEAST_OVERLAP_FRAC:
        return False
    return not _numbers_differ(one, other) and not _times_differ(one, other)


def _numbers_differ(one: SeriesFacts, other: SeriesFacts) -> bool:
    numbers = [{f.facts.acquisition_number for f in s.files} - {None} for s in (one, other)]
    return all(numbers) and numbers[0].isdisjoint(numbers[1])


def _times_differ(one: SeriesFacts, other: SeriesFacts) -> bool:
    spans = [_span(s) for s in (one, other)]
    if spans[0] is None or spans[1] is None:
        return False
    apart = max(spans[0][0], spans[1][0]) - min(spans[0][1], spans[1][1])
    return apart.total_seconds() > SAME_ACQUISITION_WITHIN_S


def _span(series: SeriesFacts) -> tuple[datetime, datetime] | None:
    times = [time for f in series.files if (time := _moment(f.facts.acquisition_datetime)) is not None]
    return (min(times), max(times)) if times else None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text[:14], "%Y%m%d%H%M%S")
    except ValueError:
        return None
