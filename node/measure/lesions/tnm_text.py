"""The fixed sentences on size categories (standards reference 3.1). They assert no category: "by size alone", "if".

solid         the longest line of the lesion in an axial, coronal or sagittal plane
part-solid    that of its solid component, where it is over 5 mm; the total is given too
ground glass, solid component of at most 5 mm or too near above: no band
"""

from dataclasses import dataclass

from node.measure.lesions.bands import EDITION, SizeBand, size_bands
from node.measure.lesions.diameter import whole
from node.measure.lesions.mpr import LongestLine
from node.measure.lesions.solid import NoduleType

NOT_ASSESSED = (
    "Not assessed: pleural, chest wall, mediastinal or bronchial invasion, atelectasis, "
    "separate nodules as metastases, lymph nodes, distant metastases, histology."
)
NEEDS_PATHOLOGY = "solid component ≤ 5 mm: cTis / cT1mi / T1a distinction needs pathology"
SMALLEST_SOLID_MM = 5.0

_IF = "If this lesion is a primary lung cancer, this is"


@dataclass(frozen=True, slots=True)
class TnmSize:
    """`bands` is empty where none is given and has two entries between two bands; `text` is the sentence."""

    bands: tuple[SizeBand, ...]
    is_borderline: bool
    text: str


def tnm_size(nodule_type: NoduleType, total: LongestLine, solid: LongestLine | None, near_mm: float) -> TnmSize:
    """Word the size category of one lesion.

    Parameters
    ----------
    nodule_type : decides which diameter counts
    total : longest line of the lesion
    solid : longest line of the solid component of a part-solid lesion
    near_mm : how near to a cut-off is borderline
    """
    if nodule_type is NoduleType.SOLID:
        opening = f"Largest diameter {whole(total.length_mm)} mm ({total.plane})."
        return _banded(opening, total.length_mm, "size alone", near_mm)
    if nodule_type is NoduleType.GROUND_GLASS or solid is None:
        return _without(f"Ground glass, total {whole(total.length_mm)} mm ({total.plane})")
    component, whole_mm = (
        f"Part-solid; solid component {whole(solid.length_mm)} mm",
        f"total {whole(total.length_mm)} mm",
    )
    if solid.length_mm <= SMALLEST_SOLID_MM:
        return _without(f"{component} ({solid.plane}), {whole_mm}")
    if solid.length_mm - SMALLEST_SOLID_MM < near_mm:
        return _without(f"{component} ({solid.plane}, borderline), {whole_mm}", is_borderline=True)
    opening = f"{component} ({solid.plane}), {whole_mm}."
    return _banded(opening, solid.length_mm, "size of the solid component alone", near_mm)


def _banded(opening: str, diameter_mm: float, by: str, near_mm: float) -> TnmSize:
    bands = size_bands(diameter_mm, near_mm)
    if len(bands) == 1:
        middle = f"consistent with {bands[0].by_size_alone} by {by}"
    else:
        lower, upper = bands
        borderline = f"({whole(diameter_mm)} mm, borderline)"
        middle = f"between {lower.by_size_alone} and {upper.by_size_alone} by {by} {borderline}"
    return TnmSize(bands, len(bands) > 1, f"{opening} {_IF} {middle} ({EDITION}). {NOT_ASSESSED}")


def _without(opening: str, *, is_borderline: bool = False) -> TnmSize:
    return TnmSize((), is_borderline, f"{opening}; {NEEDS_PATHOLOGY} ({EDITION}). {NOT_ASSESSED}")
