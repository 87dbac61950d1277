"""The curves of a training as a picture, where matplotlib is installed: training needs none."""

import csv
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Lines = Mapping[str, Sequence[float]]

_LOSSES = {"train_loss": "training", "val_loss": "validation"}  # columns of a curve.csv
_SCORES = {
    "val_dice": "Dice",
    "val_pooled_dice": "Dice, pooled",
    "val_steering": "Dice, tumours weighted",
    "kept_out": "tumour kept out",
}


def draw_curves(folder: Path, title: str, epochs: Sequence[int], losses: Lines, scores: Lines) -> Path | None:
    """Draw losses and scores (0 ... 1) over epochs as `curve.png`; None without matplotlib."""
    if find_spec("matplotlib") is None:
        return None
    path = folder / "curve.png"
    curves_figure(title, epochs, losses, scores).savefig(path, dpi=100)
    return path


def figure_of(path: Path) -> "Figure":
    """Draw what a `curve.csv` holds, of a lung or a tumour training."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    losses, scores = (
        {label: [float(line[name]) for line in lines] for name, label in told.items() if name in lines[0]}
        for told in (_LOSSES, _SCORES)
    )
    return curves_figure(path.parent.name, [int(line["epoch"]) for line in lines], losses, scores)


def curves_figure(title: str, epochs: Sequence[int], losses: Lines, scores: Lines) -> "Figure":
    """Draw losses and scores side by side."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  training needs no matplotlib
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(11.0, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for axes, lines in ((left, losses), (right, scores)):
        for label, values in lines.items():
            axes.plot(epochs, values, label=label)
    left.set(xlabel="epoch", ylabel="loss")
    left.legend()
    right.set(xlabel="epoch", ylim=(0.0, 1.0))
    right.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))  # beside the lines, which may be anywhere
    figure.suptitle(title)
    return figure
