"""What the folder of a network's model holds: weights, in half precision, and what they were learnt from."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file
from torch import Tensor

from node.errors import Misconfigured
from node.segment.model_card import ModelCard
from node.segment.networks import table
from node.segment.preprocess.histogram import Cdf

WEIGHTS = "weights.safetensors"
TRAINING = "training.json"


def stored_weights(folder: Path) -> dict[str, Tensor]:
    """Read weights: floating point in single precision, counters as they are.

    Raises
    ------
    OSError, ValueError, RuntimeError
        Where the file cannot be read as such.
    """
    return {name: t.float() if t.is_floating_point() else t for name, t in load_file(folder / WEIGHTS).items()}


def stored_training(folder: Path) -> dict[str, Any]:
    """Read what the weights were learnt from."""
    told: dict[str, Any] = json.loads((folder / TRAINING).read_text(encoding="utf-8"))
    return told


def reference_of(told: Mapping[str, Any]) -> Cdf | None:
    """Return the training rows' CDF from `stored_training`, None where none was kept."""
    stored = told.get("reference_cdf")
    return Cdf(np.asarray(stored, np.float64)) if stored else None


@contextmanager
def loading(card: ModelCard) -> Iterator[None]:
    """Refuse a model that was made for other code, and one of which the block cannot load something: SYS-MODEL."""
    if card.algorithm != table.algorithm(card.kind):
        raise Misconfigured("SYS-MODEL", f"model {card.name!r} was made for {card.algorithm!r}")
    try:
        yield
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise Misconfigured("SYS-MODEL", f"model {card.name!r} cannot be loaded: {error}") from error
