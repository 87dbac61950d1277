"""Do the positions that have arrived form one gapless stack of equal steps?

A prefix of a stack is gapless too: this is evidence only together with a closed association and quiet (architecture 5).
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from node.facts.limits import SAME_PLACE_MM, UNEVEN_FRAC, UNEVEN_MM
from node.facts.series import SeriesFacts
from node.route.extent import positions_mm, slice_normal


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
    """Judge a series; None where its headers do not say where its slices lie, or where one object holds many."""
    geometries = [file.facts.geometry for file in series.files]
    if any(file.facts.number_of_frames > 1 for file in series.files) or geometries[0].image_orientation is None:
        return None
    found = positions_mm(series, slice_normal(geometries[0]))
    return gapless(found) if len(found) == len(geometries) else None
