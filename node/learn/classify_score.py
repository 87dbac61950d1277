"""What a classifier reaches: accuracy, recall of each class and their mean, confusion, and the area under the curve."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One set.

    Attributes
    ----------
    confusion : rows the labels, columns the answers.
    recall : of each class that occurs, by name.
    auc : for two classes, None else or where one of them is missing.
    always_frac : accuracy of always saying the most frequent class.
    """

    confusion: tuple[tuple[int, ...], ...]
    accuracy: float
    mean_recall: float
    recall: dict[str, float]
    auc: float | None
    always_frac: float

    def told(self) -> dict[str, object]:
        """Return everything as it is written."""
        return {
            "confusion": self.confusion, "accuracy": self.accuracy, "mean_recall": self.mean_recall,
            "recall": self.recall, "auc": self.auc, "always_saying_the_most_frequent": self.always_frac,
        }  # fmt: skip


def score(p: NDArray[np.float64], labels: NDArray[np.int64], names: Sequence[str]) -> ClassScore:
    """Score probabilities (n, classes) against labels (n,)."""
    said = p.argmax(1)
    confusion = np.zeros((len(names), len(names)), int)
    np.add.at(confusion, (labels, said), 1)
    totals = confusion.sum(1)
    recall = {name: confusion[k, k] / totals[k] for k, name in enumerate(names) if totals[k]}
    return ClassScore(
        tuple(tuple(int(n) for n in row) for row in confusion),
        float((said == labels).mean()),
        float(np.mean(list(recall.values()))),
        {name: float(value) for name, value in recall.items()},
        area_under_curve(p[:, 1], labels == 1) if len(names) == 2 else None,
        float(totals.max() / totals.sum()),
    )


def area_under_curve(p: NDArray[np.float64], positive: NDArray[np.bool_]) -> float | None:
    """Return how often a positive ranks above a negative, ties as halves; None if either is missing."""
    on, off = p[positive], p[~positive]
    if not len(on) or not len(off):
        return None
    above = (on[:, None] > off[None]).mean() + 0.5 * (on[:, None] == off[None]).mean()
    return float(above)
