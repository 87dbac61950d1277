"""The card of a trained model, for people: what it is, what it learnt from, what it reached, its limits."""

from collections.abc import Sequence
from typing import Any

from node.learn.beginning import begun_with, n_own_cases
from node.learn.learnt_from import cases_and_figures, is_by_our_rule, licences_text, origins_text
from node.learn.rate import ending
from node.report.wording import NOT_FOR_DIAGNOSIS


def card_text(name: str, told: dict[str, Any], best: dict[str, Any], figures: Sequence[tuple[str, str]]) -> str:
    """Return CARD.md from a run's summary, the best epoch's notes and rows of (what, figure)."""
    sizes = ", ".join(f"{key} {value}" for key, value in told["sizes"].items())
    lines = [
        f"# {name}",
        "",
        f"{NOT_FOR_DIAGNOSIS}.",
        "",
        f"{told['title']} ({told['paper']}), {told['n_parameters']:,} parameters, "
        f"input {told['size']} x {told['size']}, {sizes}. Finds lungs **{told['definition']}**.",
        "",
        "## How it was trained",
        "",
        f"Protocol: {told['protocol']}; seed {told['seed']}; runtime {told['runtime']}; "
        f"{ending(told['schedule'], told['state'])}. "
        f"Best epoch {best['epoch']}, validation Dice {best['val_dice']:.4f} (mean over cases, {_against(told)}).",
        "",
        _labels(told),
        "",
        f"{begun_with(told)} No weights from elsewhere were used.",
        "",
        "## What it learnt from",
        "",
        f"{told['n_train']} slices of {n_own_cases(told)} patients, validated on {told['n_val']} slices of "
        f"{len(told['val_cases'])}. {licences_text(told)}",
        "",
        *cases_and_figures(told, figures, "evaluate"),
        "## Limits",
        "",
        f"{_limits(told)} Single slices are judged one by one and joined in three dimensions afterwards.",
        "",
    ]
    return "\n".join(lines)


def _against(told: dict[str, Any]) -> str:
    if is_by_our_rule(told):
        return "against rule-made outlines: it measures how well the rule is copied, not how well lungs are found"
    return f"against {origins_text(told)}"


def _labels(told: dict[str, Any]) -> str:
    """Return how the labels were made."""
    if not is_by_our_rule(told):
        return f"It learnt from {origins_text(told)}, as the index of its set says."
    rule = (
        "Labels are made by a rule: air inside the body below -280 HU, windpipe and bronchi taken off, closed over "
        "4 mm in the plane (6 mm together with the tumour for lungs with lesions), each kept or dropped by eye for a "
        "stated reason."
    )
    if told["definition"] == "with lesions":
        return f"{rule} The outlined tumours belong to the lung."
    return f"{rule} The outlined tumours are taken off."


def _limits(told: dict[str, Any]) -> str:
    if not is_by_our_rule(told):
        return "Patients, scanners and diseases unlike those of its training cases were not seen."
    return (
        "Few patients of few collections; adults; axial CT. Consolidated or collapsed lung that nobody outlined was "
        "left out of training."
    )
