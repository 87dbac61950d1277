"""How well one mask agrees with another, from counts of voxels (papers.md, last section).

    Dice = F1 = 2TP / (2TP + FP + FN)        IoU = TP / (TP + FP + FN)
    precision = TP / (TP + FP)               recall = TP / (TP + FN)
    accuracy = (TP + TN) / all               FPR = FP / (FP + TN), inside the body only
    MCC = (TP TN - FP FN) / sqrt((TP + FP)(TP + FN)(TN + FP)(TN + FN))

A quotient of nothing is None, never 0 or 1: an empty reference has no Dice. But where something was to be found and
nothing was, precision and MCC are 0: left out of a mean, a silent model would be the most precise.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Confusion:
    """Voxels by what both masks say. `tn_body` are the true negatives inside the body."""

    tp: int
    fp: int
    fn: int
    tn: int
    fp_body: int
    tn_body: int

    def __add__(self, other: "Confusion") -> "Confusion":
        return Confusion(
            self.tp + other.tp,
            self.fp + other.fp,
            self.fn + other.fn,
            self.tn + other.tn,
            self.fp_body + other.fp_body,
            self.tn_body + other.tn_body,
        )


def confusion(found: Mask, reference: Mask, body: Mask) -> Confusion:
    """Count voxels; the three masks have one shape."""
    tp = int(np.count_nonzero(found & reference))
    fp = int(np.count_nonzero(found)) - tp
    fn = int(np.count_nonzero(reference)) - tp
    fp_body = int(np.count_nonzero(found & ~reference & body))
    tn_body = int(np.count_nonzero(~found & ~reference & body))
    return Confusion(tp, fp, fn, found.size - tp - fp - fn, fp_body, tn_body)


def dice(c: Confusion) -> float | None:
    """Return 2TP / (2TP + FP + FN); None where the reference is empty."""
    return None if c.tp + c.fn == 0 else 2 * c.tp / (2 * c.tp + c.fp + c.fn)


def overlaps(c: Confusion) -> dict[str, float | None]:
    """Return every overlap measure of one pair of masks."""
    empty = c.tp + c.fn == 0
    silent = not empty and c.tp + c.fp == 0
    product = (c.tp + c.fp) * (c.tp + c.fn) * (c.tn + c.fp) * (c.tn + c.fn)
    return {
        "dice": dice(c),
        "iou": None if empty else c.tp / (c.tp + c.fp + c.fn),
        "precision": None if empty else 0.0 if silent else _ratio(c.tp, c.tp + c.fp),
        "recall": _ratio(c.tp, c.tp + c.fn),
        "f1": dice(c),
        "accuracy": _ratio(c.tp + c.tn, c.tp + c.fp + c.fn + c.tn),
        "mcc": 0.0 if silent else None if product == 0 else (c.tp * c.tn - c.fp * c.fn) / sqrt(product),
        "fpr": _ratio(c.fp_body, c.fp_body + c.tn_body),
    }


def kept_out(found: Mask, tumour: Mask) -> float | None:
    """Nodule exclusion: 1 - |tumour and mask| / |tumour|; None without a tumour."""
    size = int(np.count_nonzero(tumour))
    return None if size == 0 else 1.0 - int(np.count_nonzero(found & tumour)) / size


def _ratio(part: int, whole: int) -> float | None:
    return None if whole == 0 else part / whole
