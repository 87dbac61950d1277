"""The curves of a training as CSV, JSON and a picture."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Point:
    """One epoch."""

    epoch: int
    phase: str
    train_loss: float
    val_loss: float
    val_dice: float
    val_steering: float  # Dice with tumour pixels weighted as in the loss: what chooses the epoch
    kept_out: float  # fraction of tumour pixels outside the mask
    lr: float
    seconds: float


def write_curves(folder: Path, points: Sequence[Point]) -> None:
    """Write `curve.csv` and `curve.json`."""
    with (folder / "curve.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Point)])
        writer.writeheader()
        writer.writerows(asdict(point) for point in points)
    (folder / "curve.json").write_text(json.dumps([asdict(point) for point in points], indent=1), encoding="utf-8")


def draw_curves(folder: Path, points: Sequence[Point], title: str) -> Path:
    """Draw losses and validation Dice over epochs as `curve.png`; matplotlib is imported here only."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  training needs no matplotlib
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    epochs = [point.epoch for point in points]
    left.plot(epochs, [point.train_loss for point in points], label="training")
    left.plot(epochs, [point.val_loss for point in points], label="validation")
    left.set(xlabel="epoch", ylabel="loss")
    left.legend()
    right.plot(epochs, [point.val_dice for point in points], label="Dice, mean over cases")
    right.plot(epochs, [point.val_steering for point in points], label="Dice, tumours weighted")
    right.plot(epochs, [point.kept_out for point in points], label="tumour kept out")
    right.set(xlabel="epoch", ylim=(0.0, 1.0))
    right.legend(loc="lower right")
    figure.suptitle(title)
    path = folder / "curve.png"
    figure.savefig(path, dpi=100)
    return path
