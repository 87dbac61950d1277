"""What `lungnode evaluate --corrections` prints."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from node.cli.terminal import answer, print_json
from node.engine.acceptance import acceptance
from node.settings import load


def show_acceptance(config: Path | None, *, as_json: bool) -> None:
    """Print how readers changed the results of this installation."""
    found = acceptance(load(config))
    if as_json:
        print_json({"corrections": found})
        return
    for line in _lines(found):
        answer.print(line, markup=False)


def _lines(found: dict[str, Any]) -> Iterator[str]:
    share = "" if found["corrected_percent"] is None else f" ({found['corrected_percent']:.1f} %)"
    yield f"{found['n_results']} results, {found['n_corrected']} changed by a reader{share}"
    yield f"{found['n_segmentations']} segmentations came back, {found['n_not_used']} of them not used"
    for side, lungs in found["lungs"].items():
        dice, difference = lungs["dice"], lungs["difference_ml"]
        if dice["n"]:
            yield f"  {side:<5} Dice {_plus_minus(dice, 4)} over {dice['n']}, volume {_plus_minus(difference, 1)} ml"
    lesions = found["lesions"]
    yield f"  lesions in {lesions['n_results']} results: +{lesions['n_added']} -{lesions['n_removed']}"
    yield from (f"  {m['name']} {m['digest'][:12]}: {m['n']} corrections" for m in found["models"])


def _plus_minus(values: dict[str, Any], digits: int) -> str:
    sd = "" if values["sd"] is None else f" +- {values['sd']:.{digits}f}"
    return f"{values['mean']:.{digits}f}{sd}"
