"""The figures of an evaluation as tables that a person reads: measures in words, mean and deviation side by side."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

# measure of `evaluation.json`, what it is called, digits
_CALLED = {
    "dice": ("Dice, mean over a patient's pictures", 3),
    "dice_pooled": ("Dice of all pixels of a patient together", 3),
    "iou": ("IoU", 3),
    "precision": ("precision", 3),
    "recall": ("recall", 3),
    "accuracy": ("accuracy", 4),
    "mcc": ("MCC", 3),
    "fpr": ("false positive rate inside the body", 4),
    "hd_mm": ("Hausdorff distance, mm", 1),
    "hd95_mm": ("HD95, mm", 1),
    "assd_mm": ("ASSD, mm", 1),
    "hd_px": ("Hausdorff distance, pixels", 1),
    "hd95_px": ("HD95, pixels", 1),
    "assd_px": ("ASSD, pixels", 1),
    "tumour_kept_out": ("share of the tumour outside the mask", 2),
    "tumour_inside": ("share of the tumour inside the mask", 2),
    "dense_tumour_kept_out": ("of what is denser than lung in the tumour, the share outside the mask", 2),
    "aerated_tumour_frac": ("share of the outlined tumour that is as dark as lung", 2),
    "false_marks": ("marks a picture that touch nothing outlined", 2),
    "continuity": ("Dice of neighbouring slices, found less outlined", 3),
    "intensity_sd": ("SD of Dice under changed intensities", 4),
    "seconds_per_slice": ("seconds a slice", 3),
}
_SAID_ALREADY = frozenset({"f1"})  # Dice by another name


def of_figures(line: Mapping[str, Any]) -> str:
    """Return the figures of one model on one group; what could not be measured is left out."""
    names = [key.removesuffix("_n") for key in line if key.endswith("_n") and f"{key.removesuffix('_n')}_mean" in line]
    known = [name for name in (*_CALLED, *names) if line.get(f"{name}_n") and name not in _SAID_ALREADY]
    rows = []
    for name in dict.fromkeys(known):
        called, digits = _CALLED.get(name, (name, 4))
        mean, sd = (_number(line[f"{name}_{what}"], f".{digits}f") for what in ("mean", "sd"))
        rows.append((called, mean, sd, str(line[f"{name}_n"])))
    return f"<p>{escape('; '.join(_facts(line)))}.</p>" + _table(("measure", "mean", "SD", "patients"), rows)


def of_comparison(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return the differences from the baseline by patient; nothing where none was given."""
    if not lines:
        return ""
    head = ("model", "baseline", "labels", "patients", "Dice, difference", "95 % interval", "p, Wilcoxon", "p by Holm")
    rows = []
    for line in lines:
        low, high = line["interval"] or (None, None)
        spread = "-" if low is None else f"{_number(low, '+.3f')} to {_number(high, '+.3f')}"
        difference = _number(line["dice_difference"], "+.3f")
        ps = (_number(line[key], ".3f") if line.get(key) is not None else "-" for key in ("p", "p_holm"))
        rows.append((line["name"], line["baseline"], line["group"], str(line["n_cases"]), difference, spread, *ps))
    return f"<h2>Against {escape(lines[0]['baseline'])}</h2>" + _table(head, rows)


def _facts(line: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is said of all patients together."""
    yield f"{line['n_cases']} patients, {line['n_slices']} slices"
    if line["dice_worst"] is not None:
        worst, median, best = (_number(line[f"dice_{which}"], ".3f") for which in ("worst", "median", "best"))
        yield f"Dice of the worst patient {worst}, median {median}, best {best}"
    if line["n_empty"]:
        yield f"{line['empty_fp_rate']:.0%} of the {line['n_empty']} slices on which nothing is outlined are marked"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["".join(f"<th>{escape(cell)}" for cell in head)]
    lines += ["".join(f"<td>{escape(cell)}" for cell in row) for row in rows]
    return "<table>" + "".join(f"<tr>{line}" for line in lines) + "</table>"
