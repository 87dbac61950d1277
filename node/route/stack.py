"""Do the positions that have arrived form one gapless stack of equal steps?

A prefix of a stack is gapless too: this is evidence only together with a closed association and quiet (architecture 5).
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from node.facts.fitting import normal_of
from node.facts.limits import SAME_PLACE_MM, UNEVEN_FRAC, UNEVEN_MM
from node.facts.series import SeriesFacts
from node.route.extent import positions_mm


def gapless(positions: Sequence[float]) -> bool | None:
    """Judge positions along the slice normal.

    Parameters
    ----------
    positions : one per instance, mm, in any order

    Returns
    -------
    None for fewer than two positions, which tell nothing. Where positions repeat (several phases), each must be there
    equally often.
    """
    if len(positions) < 2:
        return None
    counts = Counter(round(position / SAME_PLACE_MM) for position in positions)
    if len(set(counts.values())) > 1:
        return False
    steps_mm = [(b - a) * SAME_PLACE_MM for a, b in pairwise(sorted(counts))]
    if not steps_mm:
        return None
    step_mm = median(steps_mm)
    tolerance_mm = max(UNEVEN_FRAC * step_mm, UNEVEN_MM) + SAME_PLACE_MM
    return all(abs(step - step_mm) <= tolerance_mm for step in steps_mm)


def stack_is_gapless(series: SeriesFacts) -> bool | None:
    """Judge a series, scouts in it aside; None where its headers do not say where its slices lie.

    So it is where one object holds many, too.
    """
    found = _places_mm(series)
    return None if found is None else gapless(found)


def stack_is_whole(series: SeriesFacts) -> bool | None:
    """Say whether a series is gapless and has one image at each place: several are copies or several volumes."""
    found = _places_mm(series)
    if found is None:
        return None
    if len({round(place / SAME_PLACE_MM) for place in found}) < len(found):
        return False
    return gapless(found)


def _places_mm(series: SeriesFacts) -> list[float] | None:
    """Return where the slices lie along their normal, None where the headers do not say it of all."""
    files = series.stack
    orientation = files[0].facts.geometry.image_orientation
    if any(file.facts.number_of_frames > 1 for file in files) or orientation is None:
        return None
    found = positions_mm(files, normal_of(orientation))
    return found if len(found) == len(files) else None
