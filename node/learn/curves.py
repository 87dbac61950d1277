"""The curves of a training as CSV, JSON and a picture."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from node.learn.curve_picture import draw_curves


@dataclass(frozen=True, slots=True)
class Point:
    """One epoch of a lung training."""

    epoch: int
    phase: str
    train_loss: float
    val_loss: float
    val_dice: float
    val_steering: float  # Dice with tumour pixels weighted as in the loss: what chooses the epoch
    kept_out: float  # fraction of tumour pixels outside the mask
    lr: float
    seconds: float


@dataclass(frozen=True, slots=True)
class LesionPoint:
    """One epoch of a tumour training; `domains` holds each domain's scores."""

    epoch: int
    phase: str
    train_loss: float
    val_dice: float
    val_pooled_dice: float
    n_empty_marked: int
    lr: float
    seconds: float
    domains: dict[str, dict[str, float]]


def write_curves(folder: Path, points: Sequence[Point] | Sequence[LesionPoint]) -> None:
    """Write `curve.csv` (without domains) and `curve.json`."""
    told = [asdict(point) for point in points]
    with (folder / "curve.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [name for name in told[0] if name != "domains"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(told)
    (folder / "curve.json").write_text(json.dumps(told, indent=1), encoding="utf-8")


def draw_lung_curves(folder: Path, points: Sequence[Point], title: str) -> Path | None:
    """Draw losses and validation Dice over epochs as `curve.png`."""
    losses = {"training": [p.train_loss for p in points], "validation": [p.val_loss for p in points]}
    scores = {
        "Dice, mean over cases": [p.val_dice for p in points],
        "Dice, tumours weighted": [p.val_steering for p in points],
        "tumour kept out": [p.kept_out for p in points],
    }
    return draw_curves(folder, title, [p.epoch for p in points], losses, scores)


def draw_lesion_curves(folder: Path, points: Sequence[LesionPoint], title: str) -> Path | None:
    """Draw the loss and each domain's validation Dice (which is F1) over epochs as `curve.png`."""
    names = sorted(points[0].domains) if points else []
    scores = {
        f"{name}, {label}": [p.domains[name][measure] for p in points]
        for name in names
        for measure, label in (("slice_dice", "slice Dice"), ("pooled_dice", "pooled"))
    }
    losses = {"training": [p.train_loss for p in points]}
    return draw_curves(folder, title, [p.epoch for p in points], losses, scores)
