"""Which rows of a set are left for a training, and why the others are not: for the text where nothing is left."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from node.errors import InputRefused
from node.learn.index import Row
from node.learn.index_faults import SPLITS


@dataclass(frozen=True, slots=True)
class Sieve:
    """What a row must be, and what is said of those that are not."""

    keeps: Callable[[Row], bool]
    of_others: str


def refuse_empty(rows: Sequence[Row], sieves: Sequence[Sieve], *, dealt: bool = False, advice: str = "") -> None:
    """Refuse a set of which no row is left to learn from, or none to validate on.

    Parameters
    ----------
    dealt : whether the rows of train and val are dealt to folds together.
    advice : what to do instead.

    Raises
    ------
    InputRefused
        SET-EMPTY, saying how many rows each sieve takes, the first that does counting.
    """
    fell: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for row in rows:
        of_others = next((sieve.of_others for sieve in sieves if not sieve.keeps(row)), None)
        if of_others is None:
            left[row.split] += 1
        else:
            fell[of_others] += 1
    if (left["train"] and left["val"]) or (dealt and left["train"] + left["val"]):
        return
    parts = Counter(row.split for row in rows)
    stand = ", ".join(f"{parts[split]} of {split}" for split in SPLITS)
    why = "".join(f"; {n} {of_others}" for of_others, n in fell.items())
    told = f"{left['train']} rows to learn from and {left['val']} to validate on"
    raise InputRefused("SET-EMPTY", f"{told}. Of {len(rows)} rows: {stand}{why}{advice and '; '}{advice}")
