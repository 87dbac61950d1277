"""From a training to a model that the node can load: fp16 weights, what they were learnt from, and a card for people.

models/<name>/weights.safetensors   half precision; batch statistics too
              training.json         cases, licences, schedule, reference CDF where the system matches histograms
              model.toml            what the node reads; SHA-256 of the two files above
              CARD.md, curve.csv    for people: what it is, and how it learnt
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from node.learn.card import card_text
from node.learn.catalogue import entry
from node.learn.exportable import head_of, lay_out
from node.learn.index import read_index
from node.learn.model_toml import write_toml
from node.learn.slices import read_slice
from node.segment.contract import LungDefinition, Task
from node.segment.postprocess.sure_dense import SURE
from node.segment.preprocess.body import body
from node.segment.preprocess.histogram import cdf_of

_MATCHED = frozenset({"aru-net"})  # systems whose paper matches histograms
_EVERY = 5  # training rows that the reference CDF is taken from


@dataclass(frozen=True, slots=True)
class Answer:
    """How slices become a mask.

    Attributes
    ----------
    threshold : probability from which a pixel is lung.
    flips : whether mirror images are averaged.
    size : rows and columns that the network is shown; None: those that it learnt from.
    density_border : whether the border is drawn anew where the density says.
    domes_off : whether organs under the diaphragm are taken off.
    sure_dense : probability that a dense piece needs in its core; only for lungs with lesions.
    """

    threshold: float = 0.5
    flips: bool = False
    size: int | None = None
    density_border: bool = True
    domes_off: bool = True
    sure_dense: float = SURE


def export(
    run: Path,
    name: str,
    models_dir: Path,
    *,
    version: str = "1",
    answer: Answer = Answer(),
    figures: tuple[tuple[str, str], ...] = (),
) -> Path:
    """Write the model's folder; return it.

    Parameters
    ----------
    figures : what the card says the model reached, as (what, figure).

    Raises
    ------
    InputRefused
        EXPORT-UNREAD if the run has no best weights yet; EXPORT-LICENCE if it learnt from rows that shipped weights
        may not learn from and the name does not say so.
    WrongUsage
        USAGE for a name that no model may have.
    """
    made = lay_out(run, name, models_dir, lambda told: entry(told["model"]).build(told["sizes"]))
    told = made.told
    _write_training(made.folder, told, made.best)
    head = head_of(told, name, version, f"{told['title']}, {told['definition']}", entry(told["model"]).kind)
    write_toml(made.folder, head, _options(told, answer), Task(told["task"]))
    (made.folder / "CARD.md").write_text(card_text(name, told, made.best, figures), encoding="utf-8")
    return made.folder


def _write_training(folder: Path, told: dict[str, Any], best: dict[str, Any]) -> None:
    """Write what the weights were learnt from."""
    kept = (
        "title",
        "paper",
        "protocol",
        "schedule",
        "seed",
        "train_cases",
        "val_cases",
        "n_train",
        "n_val",
        "licences",
        "label_origins",
    )
    training = {key: told[key] for key in kept if key in told} | {
        "rows_digest": told["rows_digest"],
        "epoch": best["epoch"],
    }
    training |= {key: told[key] for key in ("init", "init_digest") if key in told}
    training |= {"val_dice": best["val_dice"], "converged": told["converged"], "free": told["free"]}
    if told["model"] in _MATCHED:
        training["reference_cdf"] = _reference_cdf(Path(told["data"]), told["train_cases"])
    (folder / "training.json").write_text(json.dumps(training, indent=None), encoding="utf-8")


def _reference_cdf(data: Path, cases: list[str]) -> list[float]:
    """Return H_ref of P0's equation 9: the CDF inside the body of every fifth training row, to five digits."""
    rows = [row for row in read_index(data, split="train") if row.case in set(cases)][::_EVERY]
    values = [piece.hu_yx[body(piece.hu_yx)] for piece in map(read_slice, rows)]
    return [round(float(p), 5) for p in cdf_of(np.concatenate(values)).frac]


def _options(told: dict[str, Any], answer: Answer) -> dict[str, object]:
    with_lesions = told["definition"] == LungDefinition.WITH_LESIONS.value
    return {size: int(value) for size, value in told["sizes"].items()} | {
        "size": answer.size or told["size"],
        "recipe": told["recipe"],
        "body_only": told["body_only"],
        "definition": told["definition"],
        "threshold": answer.threshold,
        "flips": answer.flips,
        "density_border": answer.density_border,
        "domes_off": answer.domes_off,
        "sure_dense": answer.sure_dense if with_lesions else 0.0,
        "recesses": True,
    }
