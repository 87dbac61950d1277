"""What `run.json` says of the rows of a training, for whoever asks later what its weights have seen."""

from hashlib import sha256
from typing import Any

from node.learn.beginning import Beginning, told_of_beginning
from node.learn.index import Row
from node.learn.learnt_from import origin_of


def rows_told(learn_rows: tuple[Row, ...], val_rows: tuple[Row, ...], begun: Beginning | None) -> dict[str, Any]:
    """Return what both sides' rows are: cases, numbers, origins, licences, digest; with what was begun with."""
    rows = (*learn_rows, *val_rows)
    licences = {row["licence"] or "not stated" for row in rows}
    return {
        "val_cases": sorted({row.case for row in val_rows}),
        "n_train": len(learn_rows),
        "n_val": len(val_rows),
        "free": all(row.is_free for row in rows) and (begun is None or begun.free),
        "label_origins": sorted({origin_of(row) for row in rows}),
        "rows_digest": sha256("\n".join(row.id for row in rows).encode()).hexdigest(),
    } | told_of_beginning(begun, {row.case for row in learn_rows}, licences)
