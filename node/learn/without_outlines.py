"""What to do with a set of pictures in which nobody outlined anything, for the texts that refuse it."""

from collections.abc import Sequence

from node.learn.index import Row
from node.learn.planes import shows_tumours
from node.learn.truth import has_lung
from node.segment.networks.subtype_classifier import SUBTYPES


def without_outlines(rows: Sequence[Row]) -> str:
    """Return the next step for rows without any outline, "" where lungs or tumours are outlined in one of them."""
    if not rows or any(has_lung(row) or shows_tumours(row) for row in rows):
        return ""
    labelled = next((row for row in rows if row["label"] in SUBTYPES), None)
    if labelled is not None:
        licence = "" if all(row.is_free for row in rows) else " --any-licence"
        command = f"lungnode train-classifier subtype --data {labelled.root} --out RUN{licence}"
        return f"nothing is outlined in it, its pictures have labels alone: they are learnt by `{command}`"
    return "nothing is outlined in it: name masks and what they show (columns mask and label, docs/own-data.md)"
