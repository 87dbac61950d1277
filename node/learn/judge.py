"""One model's masks of items that are answered together, measured."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.learn.cases import Item
from node.learn.metrics import Confusion, confusion, dice, kept_out, overlaps
from node.learn.predictors import Predictor
from node.learn.surface import distances
from node.segment.body_air import BORDER_HU
from node.segment.preprocess.body import body

Mask = NDArray[np.bool_]
Values = dict[str, float | None]

# gain about air, offset in HU: the changes under which a model should not move (ours; the papers give none)
INTENSITY_CHANGES = ((0.95, 0.0), (1.05, 0.0), (1.0, -20.0), (1.0, 20.0), (1.0, -40.0), (1.0, 40.0))
_AIR_HU = -1024.0
_TUMOUR = ("tumour_kept_out", "tumour_inside", "dense_tumour_kept_out", "aerated_tumour_frac")


@dataclass(frozen=True, slots=True)
class Measured:
    """What came out of one item.

    Attributes
    ----------
    counts : voxels of the whole item.
    slice_dice : one per slice with a non-empty reference.
    n_empty, n_empty_marked : slices with an empty reference, and those of them with a mark.
    values : all measures of the item by name; None where one cannot be taken.
    """

    item_id: str
    case: str
    group: str
    counts: Confusion
    slice_dice: tuple[float, ...]
    n_slices: int
    n_empty: int
    n_empty_marked: int
    values: Values


def judge(who: Predictor, stack: Sequence[Item], *, robust: bool = False) -> list[tuple[Item, Measured, Mask]]:
    """Run a model on a stack of items and measure each mask; `robust` repeats it under changed intensity."""
    started = time.perf_counter()
    found = who.find(stack)
    seconds = (time.perf_counter() - started) / sum(len(mask) for mask in found)
    spreads = _intensity_sd(who, stack) if robust else None
    answer = []
    for at, (item, mask) in enumerate(zip(stack, found, strict=True)):
        measured = measure(item, mask)
        measured.values["seconds_per_slice"] = seconds
        if spreads is not None:
            measured.values["intensity_sd"] = spreads[at]
        answer.append((item, measured, mask))
    return answer


def measure(item: Item, found: Mask) -> Measured:
    """Compare a mask with an item's reference."""
    if item.reference_zyx is None:
        return _unreferenced(item, found)
    reference = item.reference_zyx
    inside = np.stack([body(hu_yx.astype(np.float32)) for hu_yx in item.hu_zyx])
    per_slice = [confusion(f, r, b) for f, r, b in zip(found, reference, inside, strict=True)]
    counts = sum(per_slice[1:], per_slice[0])
    values: Values = dict(overlaps(counts))
    values |= _distances(item, found, reference)
    values |= _of_tumour(item, found)
    values["false_marks"] = float(_false_marks(found, reference))
    if item.is_volume:
        values["continuity"] = _neighbours(found) - _neighbours(reference)
    empty = [c for c in per_slice if c.tp + c.fn == 0]
    return Measured(
        item.id,
        item.case,
        item.group,
        counts,
        tuple(d for c in per_slice if (d := dice(c)) is not None),
        len(found),
        len(empty),
        sum(c.fp > 0 for c in empty),
        values,
    )


def _unreferenced(item: Item, found: Mask) -> Measured:
    """Return what can be said where nobody outlined what should be found: how much of the tumour is in the mask."""
    values: Values = {"dice": None, "iou": None, **_of_tumour(item, found)}
    nothing = Confusion(0, 0, 0, 0, 0, 0)
    return Measured(item.id, item.case, item.group, nothing, (), len(found), 0, 0, values)


def _of_tumour(item: Item, found: Mask) -> Values:
    """Return the parts of the tumour outside and inside the mask, and what of it is as dark as lung.

    Outlines of tumours are loose in many sets and hold a rim of lung, which a border drawn by the density keeps; so the
    tumour from `BORDER_HU` on is told apart.
    """
    if item.tumour_zyx is None:
        return dict.fromkeys(_TUMOUR)
    tumour = item.tumour_zyx
    dense = tumour & (item.hu_zyx >= BORDER_HU)
    outside = kept_out(found, tumour)
    inside = None if outside is None else 1.0 - outside
    aerated_frac = 1.0 - float(dense.sum() / tumour.sum()) if tumour.any() else None
    return dict(zip(_TUMOUR, (outside, inside, kept_out(found, dense), aerated_frac), strict=True))


def _distances(item: Item, found: Mask, reference: Mask) -> Values:
    """Return hd, hd95, assd; their names end in _mm or, where the spacing is unknown, in _px."""
    unit = "px" if item.spacing_zyx_mm is None else "mm"
    spacing = item.spacing_zyx_mm or (1.0, 1.0, 1.0)
    one, other = (found, reference) if item.is_volume else (found[0], reference[0])
    taken = distances(one, other, spacing[-one.ndim :])
    return {f"{name}_{unit}": value for name, value in taken.items()}


def _false_marks(found: Mask, reference: Mask) -> int:
    """Return how many connected parts of the mask touch nothing of the reference."""
    labels, n = ndimage.label(found)
    return int(n) - len(np.unique(labels[reference & found]))


def _neighbours(mask: Mask) -> float:
    """Return the mean Dice of neighbouring slices, over pairs in which both are set."""
    pairs = [(a, b) for a, b in pairwise(mask) if a.any() and b.any()]
    return float(np.mean([2 * (a & b).sum() / (a.sum() + b.sum()) for a, b in pairs])) if pairs else 0.0


def _intensity_sd(who: Predictor, stack: Sequence[Item]) -> list[float | None]:
    """Return the standard deviation of Dice under the changes of intensity, the unchanged picture included."""
    scores: list[list[float | None]] = [[] for _ in stack]
    for gain, offset_hu in ((1.0, 0.0), *INTENSITY_CHANGES):
        found = who.find([_changed(item, gain, offset_hu) for item in stack])
        for item, mask, of_item in zip(stack, found, scores, strict=True):
            if item.reference_zyx is not None:
                of_item.append(dice(confusion(mask, item.reference_zyx, mask)))
    known = [[score for score in of_item if score is not None] for of_item in scores]
    return [float(np.std(of_item)) if of_item else None for of_item in known]


def _changed(item: Item, gain: float, offset_hu: float) -> Item:
    hu = (item.hu_zyx - _AIR_HU) * gain + _AIR_HU + offset_hu
    return replace(item, hu_zyx=np.clip(np.rint(hu), -1024, 3071).astype(np.int16))
