"""The curves of a tumour training as CSV, JSON and a picture."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from node.learn.curve_picture import draw_curves


@dataclass(frozen=True, slots=True)
class LesionPoint:
    """One epoch; `domains` holds each domain's scores."""

    epoch: int
    phase: str
    train_loss: float
    val_dice: float
    val_pooled_dice: float
    n_empty_marked: int
    lr: float
    seconds: float
    domains: dict[str, dict[str, float]]


def write_curve(folder: Path, points: Sequence[LesionPoint]) -> None:
    """Write `curve.csv` (without domains) and `curve.json`."""
    told = [asdict(point) for point in points]
    (folder / "curve.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    with (folder / "curve.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [name for name in told[0] if name != "domains"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(told)


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
