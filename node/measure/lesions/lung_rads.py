"""Size bands with the cut-offs of Lung-RADS v2022, on the mean diameter to one decimal. Bands, never a category.

Some figures come from the tables of v1.1, confirmed unchanged (standards reference 3.2).
"""

from node.measure.lesions.diameter import one_decimal
from node.measure.lesions.screening import Scale, ScreeningBand, below, scale
from node.measure.lesions.solid import NoduleType

SCHEME = "Lung-RADS v2022"
APPLIES = "applies only to screening of people without symptoms by low-dose CT"
JUXTAPLEURAL_APPLIES = f"only if smooth and oval, lentiform or triangular; {APPLIES}"

SOLID = scale(below(6.0, 8.0, 15.0), "< 6 mm", "≥ 6 to < 8 mm", "≥ 8 to < 15 mm", "≥ 15 mm")
SOLID_NEW = scale(below(4.0, 6.0, 8.0), "< 4 mm", "≥ 4 to < 6 mm", "≥ 6 to < 8 mm", "≥ 8 mm")
PART_SOLID_TOTAL = scale(below(6.0), "< 6 mm", "≥ 6 mm")
PART_SOLID_COMPONENT = scale(below(6.0, 8.0), "< 6 mm", "≥ 6 to < 8 mm", "≥ 8 mm")
PART_SOLID_COMPONENT_NEW = scale(below(4.0), "< 4 mm", "≥ 4 mm")
GROUND_GLASS = scale(below(30.0), "< 30 mm", "≥ 30 mm")
JUXTAPLEURAL = scale(below(10.0), "< 10 mm", "≥ 10 mm")


def lung_rads(
    nodule_type: NoduleType,
    mean_mm: float,
    *,
    solid_mean_mm: float | None = None,
    touches_pleura: bool = False,
    is_new: bool = False,
) -> tuple[ScreeningBand, ...]:
    """Return the bands of one lesion.

    Parameters
    ----------
    nodule_type : which table
    mean_mm : mean diameter of the lesion, unrounded
    solid_mean_mm : of the solid component of a part-solid lesion
    touches_pleura : then a solid lesion has a second band, which holds for some shapes only
    is_new : it is known from a prior examination that the lesion (or its solid part) is new
    """
    if nodule_type is NoduleType.GROUND_GLASS:
        return (_band("mean diameter", mean_mm, GROUND_GLASS),)
    if nodule_type is NoduleType.SOLID:
        bands = [_band("mean diameter", mean_mm, SOLID_NEW if is_new else SOLID)]
        return (*bands, _juxtapleural(mean_mm)) if touches_pleura else tuple(bands)
    total = _band("mean diameter of the whole", mean_mm, PART_SOLID_TOTAL)
    if solid_mean_mm is None or total.bands == PART_SOLID_TOTAL.names[:1]:
        return (total,)
    component = PART_SOLID_COMPONENT_NEW if is_new else PART_SOLID_COMPONENT
    return (total, _band("mean diameter of the solid component", solid_mean_mm, component))


def _juxtapleural(mean_mm: float) -> ScreeningBand:
    """10.0 is borderline: one commentary prints "≤ 10" where the table has "< 10"."""
    of = "mean diameter of a nodule on the pleura"
    if one_decimal(mean_mm) == 10.0:
        return ScreeningBand(SCHEME, of, 10.0, JUXTAPLEURAL.names, JUXTAPLEURAL_APPLIES)
    return _band(of, mean_mm, JUXTAPLEURAL, JUXTAPLEURAL_APPLIES)


def _band(of: str, mean_mm: float, table: Scale, applies: str = APPLIES) -> ScreeningBand:
    printed_mm = one_decimal(mean_mm)
    return ScreeningBand(SCHEME, of, printed_mm, table.bands(mean_mm, printed_mm), applies)
