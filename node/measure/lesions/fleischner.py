"""Size bands of the Fleischner Society's guideline of 2017, on the mean diameter to whole mm (standards reference 3.3).

Not shown under 35 years or for slices over 1.5 mm; what else excludes them (known cancer, immunosuppression,
screening) the node cannot know, so it stands in the statement.
"""

from node.measure.lesions.cuts import Cut
from node.measure.lesions.diameter import whole
from node.measure.lesions.screening import NotApplicable, Scale, ScreeningBand, below, scale
from node.measure.lesions.solid import NoduleType

SCHEME = "Fleischner 2017"
APPLIES = "applies only to incidental nodules, age ≥ 35, no known cancer, not immunosuppressed"
YOUNGEST_YEARS = 35.0
THICKEST_MM = 1.5

SOLID = scale((Cut(6.0, lower_has_it=False), Cut(8.0, lower_has_it=True)), "< 6 mm", "6 to 8 mm", "> 8 mm")
TWO = scale(below(6.0), "< 6 mm", "≥ 6 mm")


def fleischner(
    nodule_type: NoduleType,
    mean_mm: float,
    *,
    solid_mean_mm: float | None,
    age_years: float | None,
    thick_mm: float,
) -> tuple[ScreeningBand, ...] | NotApplicable:
    """Return the bands of one lesion, or why there are none.

    Parameters
    ----------
    nodule_type : which table
    mean_mm, solid_mean_mm : mean diameter of the lesion and of the solid component of a part-solid one, unrounded
    age_years : None where unknown
    thick_mm : the larger of slice thickness and step
    """
    if age_years is not None and age_years < YOUNGEST_YEARS:
        return NotApplicable(SCHEME, f"age is under {YOUNGEST_YEARS:g}")
    if thick_mm > THICKEST_MM:
        return NotApplicable(SCHEME, f"slices are {round(thick_mm, 2):g} mm thick or apart, at most {THICKEST_MM:g} mm")
    if nodule_type is NoduleType.SOLID:
        return (_band("mean diameter", mean_mm, SOLID),)
    total = _band("mean diameter", mean_mm, TWO)
    if nodule_type is NoduleType.GROUND_GLASS or solid_mean_mm is None or total.bands == TWO.names[:1]:
        return (total,)
    return (total, _band("mean diameter of the solid component", solid_mean_mm, TWO))


def _band(of: str, mean_mm: float, table: Scale) -> ScreeningBand:
    printed_mm = float(whole(mean_mm))
    return ScreeningBand(SCHEME, of, printed_mm, table.bands(mean_mm, printed_mm), APPLIES)
