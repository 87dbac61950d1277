"""Size bands with the cut-offs of the T descriptors, TNM 9th edition (unchanged from the 8th; standards reference 3.1).

The band comes from the unrounded diameter. It is borderline, and both bands are given, where the diameter is nearer
to a cut-off than the larger of one pixel, one slice step and 1 mm, or where rounding to whole mm would move it.
"""

from dataclasses import dataclass

from node.measure.lesions.cuts import Cut, place, places
from node.measure.lesions.diameter import whole

EDITION = "TNM 9th edition"
LEAST_TOLERANCE_MM = 1.0


@dataclass(frozen=True, slots=True)
class SizeBand:
    """`code` and `meaning` go into coded objects; `by_size_alone` only into the fixed sentence of `tnm_text.py`."""

    code: str
    meaning: str
    by_size_alone: str


CUTS = tuple(Cut(at_mm, lower_has_it=True) for at_mm in (10.0, 20.0, 30.0, 40.0, 50.0, 70.0))

BANDS = (
    SizeBand("LN-B-LE10", "≤ 10 mm", "T1a"),
    SizeBand("LN-B-10-20", "> 10 to ≤ 20 mm", "T1b"),
    SizeBand("LN-B-20-30", "> 20 to ≤ 30 mm", "T1c"),
    SizeBand("LN-B-30-40", "> 30 to ≤ 40 mm", "T2a"),
    SizeBand("LN-B-40-50", "> 40 to ≤ 50 mm", "T2b"),
    SizeBand("LN-B-50-70", "> 50 to ≤ 70 mm", "T3"),
    SizeBand("LN-B-GT70", "> 70 mm", "T4"),
)


def tolerance_mm(spacing_zyx_mm: tuple[float, float, float]) -> float:
    """Return how near to a cut-off a diameter is borderline."""
    return max(*spacing_zyx_mm, LEAST_TOLERANCE_MM)


def size_bands(diameter_mm: float, near_mm: float) -> tuple[SizeBand, ...]:
    """Return the band of a diameter, or both bands in order of size where it is borderline.

    Parameters
    ----------
    diameter_mm : above 0, unrounded
    near_mm : that of `tolerance_mm`
    """
    for i, cut in enumerate(CUTS):
        if abs(diameter_mm - cut.at_mm) < near_mm and place(diameter_mm, CUTS) in (i, i + 1):
            return BANDS[i], BANDS[i + 1]
    return tuple(BANDS[i] for i in places(diameter_mm, float(whole(diameter_mm)), CUTS))
