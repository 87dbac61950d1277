"""The curves of a lung training as CSV, JSON and a picture."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from node.learn.curve_picture import draw_curves


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


def draw_lung_curves(folder: Path, points: Sequence[Point], title: str) -> Path | None:
    """Draw losses and validation Dice over epochs as `curve.png`."""
    losses = {"training": [p.train_loss for p in points], "validation": [p.val_loss for p in points]}
    scores = {
        "Dice, mean over cases": [p.val_dice for p in points],
        "Dice, tumours weighted": [p.val_steering for p in points],
        "tumour kept out": [p.kept_out for p in points],
    }
    return draw_curves(folder, title, [p.epoch for p in points], losses, scores)
