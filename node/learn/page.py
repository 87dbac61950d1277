"""The picture page of an evaluation: figures, overlays of best, median and worst patient, the trainings' curves.

One `index.html` with the pictures beside it and no script.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from node.learn.cases import Item, items
from node.learn.curve_picture import figure_of
from node.learn.evaluate import Question
from node.learn.index import read_index
from node.learn.page_tables import of_comparison, of_figures
from node.learn.predictions import read_list, read_mask
from node.report.wording import NOT_FOR_DIAGNOSIS
from node.segment.contract import LungDefinition, Task

_COLOURS = {"both": (0.2, 0.8, 0.3), "found only": (0.9, 0.2, 0.2), "missed": (0.2, 0.4, 1.0)}
_WINDOW_HU = (-1000.0, 400.0)
_STYLE = (
    "body{font-family:sans-serif;max-width:70em;margin:1em auto;padding:0 1em}"
    "table{border-collapse:collapse}td,th{padding:.15em .8em;text-align:left;border-bottom:1px solid #ccc}"
    "img{max-width:100%}figure{margin:1em 0}"
)
_CAPTIONS = {
    "confusion": "Of all pixels that are outlined, and of all others: how many were found, as a share of the row and "
    "as a number.",
    "overlap": "Dice and IoU, one point a patient.",
    "distances": "Distances between the outlines, by patient.",
    "overlays": "On the slice of each patient's largest picture that has most wrong: green is found and outlined, red "
    "found alone, blue outlined and missed.",
}


def write_page(question: Question, answer: dict[str, Any]) -> Path:
    """Write the page for an evaluation whose masks were saved; return `index.html`."""
    out = question.out
    head = f"<!doctype html><meta charset=utf-8><title>Evaluation</title><style>{_STYLE}</style><h1>Evaluation</h1>"
    parts = [head, f"<p>{NOT_FOR_DIAGNOSIS}.</p>"]
    parts.append("<p>Means and standard deviations are over patients; <code>evaluation.json</code> has every measure, ")
    parts.append("<code>cases.csv</code> every picture.</p>")
    for number, line in enumerate(answer["models"]):
        title = f"{line['name']}: {line['task']}, labels {line['group']}, part {line['split']}"
        parts.append(f"<h2>{escape(title)}</h2>")
        parts.append(of_figures(line))
        for name, figure in _figures(question, line):
            path = out / f"{number}-{name}.png"
            figure.savefig(path, dpi=80)
            caption = escape(_CAPTIONS.get(name, "The training's curve."))
            image = f'<img src="{escape(path.name)}" alt="{escape(name)}">'
            parts.append(f"<figure>{image}<figcaption>{caption}</figcaption></figure>")
    parts.append(of_comparison(answer["comparison"]))
    page = out / "index.html"
    page.write_text("\n".join(parts), encoding="utf-8")
    return page


def _figures(question: Question, line: dict[str, Any]) -> list[tuple[str, Figure]]:
    """Return the pictures of one model: the curves of its trainings, and what was found where something was to be."""
    curves = [(f"curve-{number}", figure_of(Path(path))) for number, path in enumerate(line["curves"])]
    cases = {case: values for case, values in line["cases"].items() if values["dice"] is not None}
    if not cases:
        return curves
    distances = _distances(cases)
    return [
        ("confusion", _confusion(line["confusion"])),
        ("overlap", _overlap(cases)),
        *([] if distances is None else [("distances", distances)]),
        ("overlays", _overlays(question, line, cases)),
        *curves,
    ]


def _overlays(question: Question, line: dict[str, Any], cases: dict[str, dict[str, Any]]) -> Figure:
    """Draw the worst, the median and the best patient."""
    order = sorted(cases, key=lambda case: cases[case]["dice"])
    chosen = {"worst": order[0], "median": order[len(order) // 2], "best": order[-1]}
    folder = _masks_folder(question.out, line["name"])
    told = read_list(folder)
    definition = question.definition or LungDefinition(str(told["definition"]))
    figure, axes = _canvas(1, 3)
    for ax, (name, case) in zip(axes, chosen.items(), strict=True):
        rows = [row for row in read_index(question.data, where=question.where) if row.case == case]
        of_group = [item for item in items(rows, Task(str(told["task"])), definition) if item.group == line["group"]]
        outlined = [(item, item.reference_zyx) for item in of_group if item.reference_zyx is not None]
        item, reference = max(outlined, key=lambda pair: int(pair[1].sum()))
        ax.imshow(_overlay(item, reference, read_mask(folder, item.id)))
        ax.set_title(f"{name}: {case}, Dice {cases[case]['dice']:.3f}", fontsize=9)
        ax.set_axis_off()
    return figure


def _masks_folder(out: Path, name: str) -> Path:
    return out / "masks" / name


def _overlay(item: Item, reference: NDArray[np.bool_], found: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the slice on which most is wrong, coloured."""
    wrong = (found != reference).sum((1, 2))
    z = int(wrong.argmax())
    low, high = _WINDOW_HU
    grey = np.clip((item.hu_zyx[z].astype(np.float64) - low) / (high - low), 0.0, 1.0)
    picture = np.stack([grey] * 3, -1)
    f, r = found[z], reference[z]
    for name, where in (("both", f & r), ("found only", f & ~r), ("missed", r & ~f)):
        picture[where] = 0.6 * picture[where] + 0.4 * np.array(_COLOURS[name])
    return picture


def _confusion(counts: dict[str, int]) -> Figure:
    figure, (ax,) = _canvas(1, 1)
    table = np.array([[counts["tp"], counts["fn"]], [counts["fp"], counts["tn"]]], np.float64)
    share = table / np.maximum(table.sum(1, keepdims=True), 1)
    ax.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0)
    for y in range(2):
        for x in range(2):
            colour = "white" if share[y, x] > 0.5 else "black"  # to be read on dark blue, too
            ax.text(x, y, f"{share[y, x]:.4f}\n{int(table[y, x])}", ha="center", va="center", color=colour)
    ax.set_xticks([0, 1], ["found", "not found"])
    ax.set_yticks([0, 1], ["reference", "not reference"])
    return figure


def _overlap(cases: dict[str, dict[str, Any]]) -> Figure:
    """Draw Dice against IoU, one point a patient; all lie on IoU = Dice / (2 - Dice) where a patient is one volume."""
    figure, (ax,) = _canvas(1, 1)
    ax.scatter([values["dice"] for values in cases.values()], [values["iou"] for values in cases.values()])
    ax.set(xlabel="Dice", ylabel="IoU")
    return figure


def _distances(cases: dict[str, dict[str, Any]]) -> Figure | None:
    """Draw the distances over patients; None where no outline has another to be compared with."""
    names = [name for name in ("hd_mm", "hd95_mm", "assd_mm", "hd_px", "hd95_px", "assd_px") if _known(cases, name)]
    if not names:
        return None
    figure, (ax,) = _canvas(1, 1)
    ax.boxplot([_known(cases, name) for name in names])
    ax.set_xticks(range(1, len(names) + 1), names)
    return figure


def _known(cases: dict[str, dict[str, Any]], name: str) -> list[float]:
    return [value for values in cases.values() if (value := values.get(name)) is not None]


def _canvas(rows: int, columns: int) -> tuple[Figure, Sequence[Any]]:
    figure = Figure(figsize=(4.5 * columns, 4.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.ravel())
