"""Which lesion of one segmentation is which of another, by where they lie.

Pairs are chosen together so that the sum of distances is least (an assignment), within 15 mm and half of the larger
one's diameter, on one side. Where another lesion lies nearly as near (within 5 mm more), none of them is matched:
to mistake one lesion for another would invent growth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import dist, inf

import numpy as np
from scipy.optimize import linear_sum_assignment

from node.measure.quantity import Side

NEAR_MM = 15.0
AMBIGUOUS_MM = 5.0

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Place:
    """One lesion: `across_mm` is its diameter, `side` None where it is unknown."""

    centre_lps_mm: Point
    across_mm: float
    side: Side | None


def match(ours: Sequence[Place], theirs: Sequence[Place], *, near_mm: float = NEAR_MM) -> dict[int, int]:
    """Return the index in `theirs` for each index in `ours` that has a partner.

    Parameters
    ----------
    ours, theirs : in one patient space
    near_mm : how far apart the centres of small lesions may be
    """
    if not ours or not theirs:
        return {}
    apart_mm = np.array([[_apart_mm(a, b, near_mm) for b in theirs] for a in ours])
    possible = np.isfinite(apart_mm)
    rows, columns = linear_sum_assignment(np.where(possible, apart_mm, 1e6))
    pairs = [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if possible[i, j]]
    return {i: j for i, j in pairs if not _is_ambiguous(apart_mm, i, j)}


def _apart_mm(a: Place, b: Place, near_mm: float) -> float:
    """Return the distance of two centres, infinite where they cannot be one lesion."""
    if a.side is not None and b.side is not None and a.side is not b.side:
        return inf
    apart_mm = dist(a.centre_lps_mm, b.centre_lps_mm)
    return apart_mm if apart_mm <= near_mm + max(a.across_mm, b.across_mm) / 2.0 else inf


def _is_ambiguous(apart_mm: "np.ndarray[tuple[int, int], np.dtype[np.float64]]", i: int, j: int) -> bool:
    others = np.concatenate([np.delete(apart_mm[i], j), np.delete(apart_mm[:, j], i)])
    return bool(np.any(others <= apart_mm[i, j] + AMBIGUOUS_MM))
