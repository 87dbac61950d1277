"""From a training of a tumour network, or several models together, to a model that the node can load.

models/<name>/weights.safetensors   half precision, of the moving average's best epoch
              training.json         cases, licences, plan, moments, the training rows' histogram
              model.toml            what the node reads
              CARD.md, curve.csv    for people: what it is, and how it learnt
`lungnode calibrate-lesions` adds confidence.json.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from node.learn.exportable import head_of, lay_out, licence_of, refuse_name
from node.learn.index import Row, is_free, read_index
from node.learn.lesion_card import LesionAnswer, OutlineAnswer, card_text, ensemble_text
from node.learn.lesion_catalogue import lesion_entry
from node.learn.lesion_train import build
from node.learn.lesion_trained import plan_of_run
from node.learn.model_toml import write_toml
from node.learn.planes import planes
from node.segment.contract import Task
from node.segment.lesions.confidence import FILE
from node.segment.lesions.model import ENSEMBLE
from node.segment.model_card import ModelCard
from node.segment.preprocess.body import body
from node.segment.preprocess.histogram import cdf_of
from node.segment.stored_model import TRAINING

_KEPT = (
    "model", "paper", "title", "plan", "channels", "seed", "fold", "init", "init_digest", "train_cases", "val_cases",
    "n_train", "n_val", "licences", "label_origins", "free", "rows_digest", "n_parameters", "runtime", "converged",
    "best_epoch", "best_val_dice",
)  # fmt: skip
_ROWS = 300  # training rows that the histogram is taken from, evenly over all
_SMALLEST_PX = 128  # a crop says little about what a body looks like

AS_IT_LEARNT = LesionAnswer()


def export_lesions(
    run: Path, name: str, models_dir: Path, *,
    version: str = "1", answer: LesionAnswer = AS_IT_LEARNT, figures: Sequence[tuple[str, str]] = (),
) -> Path:  # fmt: skip
    """Write the model's folder; return it. A calibration that lies there is for other weights, and goes.

    Parameters
    ----------
    answer : how it finds lesions; a network of whole cubes, which draws nodules anew that another model found, has
        threshold and flips of it.

    Raises
    ------
    InputRefused
        EXPORT-UNREAD if the run has no best weights yet; EXPORT-LICENCE if it learnt from rows that shipped weights
        may not learn from and the name does not say so.
    WrongUsage
        USAGE for a name that no model may have.
    """
    made = lay_out(run, name, models_dir, _network_of)
    folder, told, best = made.folder, made.told, made.best
    (folder / FILE).unlink(missing_ok=True)
    by_cubes = bool(told["plan"].get("cube_depth"))
    how = OutlineAnswer(answer.threshold, answer.flips) if by_cubes else answer
    training = {key: told[key] for key in _KEPT if key in told}
    training |= {"moments_hu": best["moments_hu"], "epoch": best["epoch"], "val_dice": best["val_dice"]}
    training |= _histogram(told)
    (folder / TRAINING).write_text(json.dumps(training), encoding="utf-8")
    task = Task.NODULES if by_cubes else Task.LESIONS
    head = head_of(told, name, version, told["title"], lesion_entry(told["model"]).kind)
    write_toml(folder, head, asdict(how), task)
    (folder / "CARD.md").write_text(card_text(name, told | training, how, figures), encoding="utf-8")
    return folder


def join(
    name: str, members: Sequence[ModelCard], models_dir: Path, *,
    version: str = "1", threshold: float = 0.5, peak: float = 0.0, outlines: ModelCard | None = None,
) -> Path:  # fmt: skip
    """Write an ensemble of installed lesion models; return its folder.

    Parameters
    ----------
    outlines : the network that draws its nodules anew, if one does.

    Raises
    ------
    InputRefused
        EXPORT-LICENCE if one of them is marked as not free and the ensemble's name does not say so.
    WrongUsage
        USAGE for a name that no model may have.
    """
    used = [*members, *([outlines] if outlines else [])]
    licences = [card.licence for card in used]
    free = all(is_free(card.licence) and not card.name.endswith("-nc") for card in used)
    refuse_name(name, free=free, licences=licences)
    folder = models_dir / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).unlink(missing_ok=True)
    head = {
        "name": name,
        "version": version,
        "title": "Mean of " + ", ".join(card.name for card in members),
        "licence": licence_of(licences, free=free),
        "kind": "ensemble",
        "algorithm": ENSEMBLE,
    }
    options = {"members": ", ".join(card.name for card in members), "threshold": threshold, "least_mm3": 20.0}
    write_toml(folder, head, options | {"peak": peak} | ({"outlines": outlines.name} if outlines else {}))
    (folder / "CARD.md").write_text(ensemble_text(name, members, outlines), encoding="utf-8")
    return folder


def _network_of(told: dict[str, Any]) -> nn.Module:
    return build(lesion_entry(told["model"]), plan_of_run(told["plan"]))


def _histogram(told: dict[str, Any]) -> dict[str, list[float]]:
    """Return the CDF inside the body over training rows in HU; nothing where none shows a body."""
    rows = [row for folder in told["data"] for row in _rows(Path(folder)) if row.case in set(told["train_cases"])]
    rows = rows[:: max(len(rows) // _ROWS, 1)]
    shown = [plane.hu_yx for plane in planes(rows, int(told["plan"]["size"])) if min(plane.hu_yx.shape) >= _SMALLEST_PX]
    values = [hu_yx[body(hu_yx.astype(np.float32))] for hu_yx in shown]
    if not values:
        return {}
    cdf = cdf_of(np.concatenate(values).astype(np.float32))
    return {"reference_cdf": [round(float(p), 5) for p in cdf.frac]}


def _rows(folder: Path) -> list[Row]:
    return [row for row in read_index(folder, split="train") if row["domain"] in {"hu", "hu8"} and not row["depth"]]
