"""Whether what was found can be a pair of lungs: present, of a possible volume, of similar size on both sides.

SEG-EMPTY     nothing was found
SEG-IMPLAUS   0.5 to 12 litres are possible; less is, where the scan cuts the lungs off
SEG-ASYM      left : right outside 0.3 to 3, or one lung is missing, and no scan that cuts through them explains it
"""

from collections.abc import Iterable

from node.errors import Affects, Code, Reason, Severity, refuse, warn
from node.segment.contract import Segmentation

_VOLUME_ML = (500.0, 12000.0)
_RATIO = (0.3, 3.0)
_WARN = Severity.WARN


def possible_volume(total_ml: float, *, partial: bool) -> tuple[Reason, ...]:
    """Return SEG-EMPTY or SEG-IMPLAUS, or nothing."""
    if total_ml == 0.0:
        return (refuse(Code.SEG_EMPTY, "no lungs were found in the scan"),)
    low_ml, high_ml = _VOLUME_ML
    if total_ml > high_ml or (total_ml < low_ml and not partial):
        text = f"a lung volume of {total_ml / 1000:.2f} l is not plausible (0.5 to 12 l for a whole thorax)"
        return (refuse(Code.SEG_IMPLAUS, text),)
    return ()


def similar_sides(right_ml: float, left_ml: float, *, cut_through: bool) -> tuple[Reason, ...]:
    """Return SEG-ASYM where one lung is missing or much smaller, unless the scan cuts through the lungs."""
    if cut_through or right_ml + left_ml == 0.0:
        return ()
    if right_ml == 0.0 or left_ml == 0.0:
        missing = "right" if right_ml == 0.0 else "left"
        return (warn(Code.SEG_ASYM, f"no {missing} lung was found: collapsed, removed or full of fluid?"),)
    ratio = left_ml / right_ml
    if _RATIO[0] <= ratio <= _RATIO[1]:
        return ()
    text = f"left to right volume is {ratio:.2f} (0.3 to 3 expected): {left_ml:.0f} ml to {right_ml:.0f} ml"
    return (warn(Code.SEG_ASYM, text),)


def unsure(segmentation: Segmentation) -> tuple[Reason, ...]:
    """Return SEG-UNSURE for each doubt of the models: density and volumes are withheld, the outlines are not."""
    withheld = (Affects.DENSITY, Affects.MEAN_DENSITY, Affects.VOLUMES)
    return tuple(refuse(Code.SEG_UNSURE, text, *withheld) for text in segmentation.unsure)


def unsure_texts(segmentation: Segmentation, reasons: Iterable[Reason]) -> tuple[str, ...]:
    """Say why a series is flagged unsure: the models' own doubts, then asymmetric lungs and doubtful lesions."""
    warned = (r for r in reasons if r.code is Code.SEG_ASYM or (r.code is Code.SEG_UNSURE and r.severity is _WARN))
    return tuple(dict.fromkeys((*segmentation.unsure, *(reason.text for reason in warned))))
