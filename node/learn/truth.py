"""What a stored mask says, under one of the two definitions of a lung, or of a tumour.

Rows whose `label` begins with "ids" hold 1 = lung, 2 = primary tumour (drawn over lung), 3 = other tumour or nodes and,
in the rule-made set, 4 = in P1's lung only; the others hold one thing as 255. A row that does not say what is asked is
`None`, never an empty mask: nobody outlined it.
"""

import numpy as np
from numpy.typing import NDArray

from node.learn.index import Row
from node.segment.contract import LungDefinition, Task

Mask = NDArray[np.bool_]

_LUNG = 1
_TUMOUR = 2
_WITH_LESIONS = (1, 2, 4)


def lung_truth(row: Row, mask: NDArray[np.generic], definition: LungDefinition) -> Mask | None:
    """Return the lung of one row under a definition, or None where the row has no lung outlined."""
    if not has_lung(row):
        return None
    if _has_ids(row):
        wanted = _WITH_LESIONS if definition is LungDefinition.WITH_LESIONS else (_LUNG,)
        return np.isin(mask, wanted)
    drawn: Mask = mask == 255
    return drawn


def has_lung(row: Row) -> bool:
    """Tell whether somebody, or a rule, outlined the lung of this row."""
    if _has_ids(row):
        return bool(row["lung_px"] or row["lung_label"])
    return "lung" in row["label"]


def tumour_truth(row: Row, mask: NDArray[np.generic]) -> Mask | None:
    """Return the primary tumour of one row, or None where nobody looked for one."""
    drawn: Mask = mask == (_TUMOUR if _has_ids(row) else 255)
    return drawn if has_tumour(row) else None


def has_tumour(row: Row) -> bool:
    """Tell whether somebody looked for tumours in this row."""
    return _has_ids(row) or ("tumour" in row["label"] and "lung" not in row["label"])


def _has_ids(row: Row) -> bool:
    return row["label"].startswith("ids") or bool(row["label_key"])


def truth(row: Row, mask: NDArray[np.generic], task: Task, definition: LungDefinition) -> Mask | None:
    """Return what a model of this task should find in this row."""
    return lung_truth(row, mask, definition) if task is Task.LUNGS else tumour_truth(row, mask)
