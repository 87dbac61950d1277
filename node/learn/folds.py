"""k folds by patient: the same cases fall into the same fold on every machine."""

from collections.abc import Sequence
from hashlib import sha256

from node.errors import InputRefused
from node.learn.index import Row


def fold_split(rows: Sequence[Row], n_folds: int, fold: int) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Return the rows outside and inside one fold of `n_folds`, counted from 0.

    Cases are dealt out in the order of their digests, so that folds differ by one case at most.

    Raises
    ------
    InputRefused
        FOLD-RANGE if there is no such fold or fewer cases than folds.
    """
    cases = sorted({row.case for row in rows}, key=lambda case: sha256(case.encode()).hexdigest())
    if not 0 <= fold < n_folds or len(cases) < n_folds:
        raise InputRefused("FOLD-RANGE", f"fold {fold} of {n_folds} with {len(cases)} cases; folds count from 0")
    held = set(cases[fold::n_folds])
    return tuple(row for row in rows if row.case not in held), tuple(row for row in rows if row.case in held)
