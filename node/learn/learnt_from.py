"""What the cards of trained models say of the labels and licences that they learnt from, as `run.json` kept them."""

from collections.abc import Mapping, Sequence
from typing import Any

from node.learn.index import Row

OUR_RULE = "rule of `lungnode data pseudo`"


def origin_of(row: Row) -> str:
    """Return where a row's labels come from; the set that `lungnode data pseudo` writes is known by its columns."""
    if row["label_origin"] == "rule" and "p1_px" in row.values:
        return OUR_RULE
    return row["label_origin"] or "not stated"


def origins_text(told: Mapping[str, Any]) -> str:
    """Return the origins of the labels in words."""
    origins = told.get("label_origins")
    return f"labels of origin {', '.join(origins)}" if origins else "labels whose origin was not kept"


def is_by_our_rule(told: Mapping[str, Any]) -> bool:
    """Tell whether all labels were made by this program's rule."""
    return bool(told.get("label_origins") == [OUR_RULE])


def licences_text(told: Mapping[str, Any]) -> str:
    """Return the licences, and what it means if one of them is not free."""
    text = f"Licences: {', '.join(told['licences'])}."
    return text if told["free"] else f"{text} **Not for default use: shipped weights may not learn from all of these.**"


def cases_and_figures(told: Mapping[str, Any], figures: Sequence[tuple[str, str]], judge: str) -> list[str]:
    """Return a card's lines on the patients and on what was reached; `judge` is the command that says it."""
    return [
        f"Training cases: {', '.join(told['train_cases'])}.", "",
        f"Validation cases: {', '.join(told['val_cases'])}.", "",
        "## What it reached", "",
        *(f"- {what}: {figure}" for what, figure in figures),
        *([] if figures else [f"Not judged yet: `lungnode {judge}`."]), "",
    ]  # fmt: skip
