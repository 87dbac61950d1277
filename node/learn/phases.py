"""Which of a plan's phases have anything to learn from.

P0 begins with public slices and freezes its encoder only afterwards. Where a set has no such slices, the encoder has
learnt nothing that would be worth freezing: then the phases that freeze it are left out, too, unless the training began
with weights that have learnt something.
"""

from collections.abc import Sequence

from node.errors import InputRefused
from node.learn.catalogue import Phase
from node.learn.index import Row, narrowed


def phases_with_rows(phases: Sequence[Phase], rows: Sequence[Row], *, has_learnt: bool = False) -> tuple[Phase, ...]:
    """Return the phases to run on these rows.

    Raises
    ------
    InputRefused
        SET-EMPTY if no phase has a row.
    """
    kept = [phase for phase in phases if narrowed(rows, phase.where)]
    while kept and kept[0].free and not has_learnt:
        kept = kept[1:]
    if not kept:
        raise InputRefused("SET-EMPTY", "none of the training's phases has a row to learn from")
    return tuple(kept)
