"""The curves of a training as a picture, where matplotlib is installed: training needs none."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

Lines = Mapping[str, Sequence[float]]


def draw_curves(folder: Path, title: str, epochs: Sequence[int], losses: Lines, scores: Lines) -> Path | None:
    """Draw losses and scores (0 ... 1) over epochs as `curve.png`; None without matplotlib."""
    if find_spec("matplotlib") is None:
        return None
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
    path = folder / "curve.png"
    figure.savefig(path, dpi=100)
    return path
