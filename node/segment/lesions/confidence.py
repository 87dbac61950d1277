"""How sure the node is of a candidate: measured limits first, then a calibrated probability, from `confidence.json`.

limits      a candidate whose shape goes farther than all lesions of training patients is no lesion: a vessel is
            longer, a fissure flatter, the hilum farther outside the lungs; one-sided, for a lesion may be larger
confidence  Platt's scaling over the shape: sigma(w (x - mean) / sd + b), fitted on candidates of training and
            validation folds; the file says on how many, and how well it is calibrated
"""

import json
from dataclasses import dataclass, field
from math import inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.errors import Misconfigured
from node.segment.lesions.shape import NAMES, Shape

FILE = "confidence.json"
UNSURE_BELOW = 0.5  # where the file does not say


@dataclass(frozen=True, slots=True)
class Confidence:
    """What `confidence.json` holds.

    Attributes
    ----------
    mean, sd, weights : (features,) float64, in the order of `shape.NAMES`.
    bias : of the logit.
    limits : least and largest value of a feature, infinite where there is none; features without limits are free.
    unsure_below : a lesion below this is listed as uncertain, or dropped, by setting.
    drop_below : a candidate below this is never listed.
    told : how it was fitted, for the card.
    """

    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: float
    limits: dict[str, tuple[float, float]] = field(default_factory=dict)
    unsure_below: float = UNSURE_BELOW
    drop_below: float = 0.0
    told: dict[str, Any] = field(default_factory=dict)

    def of(self, shape: Shape) -> float:
        """Return the probability that a candidate is a lesion."""
        z = float((shape.vector() - self.mean) / self.sd @ self.weights) + self.bias
        return float(1.0 / (1.0 + np.exp(-np.clip(z, -50.0, 50.0))))

    def allows(self, shape: Shape) -> bool:
        """Tell whether a candidate lies within the limits."""
        values = dict(zip(NAMES, shape.vector().tolist(), strict=True))
        return all(low <= values[name] <= high for name, (low, high) in self.limits.items())


def write_confidence(confidence: Confidence, folder: Path) -> Path:
    """Write `confidence.json` into a model's folder."""
    stored = {
        "features": list(NAMES),
        "mean": confidence.mean.tolist(),
        "sd": confidence.sd.tolist(),
        "weights": confidence.weights.tolist(),
        "bias": confidence.bias,
        "limits": {name: [x if isfinite(x) else None for x in pair] for name, pair in confidence.limits.items()},
        "unsure_below": confidence.unsure_below,
        "drop_below": confidence.drop_below,
        "told": confidence.told,
    }
    path = folder / FILE
    path.write_text(json.dumps(stored, indent=1), encoding="utf-8")
    return path


def read_confidence(folder: Path) -> Confidence | None:
    """Read `confidence.json`, None where a model has none.

    Raises
    ------
    Misconfigured
        SYS-MODEL where it does not fit this program.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["features"] != list(NAMES):
            raise Misconfigured("SYS-MODEL", f"{path}: made for other features; calibrate the model again")
        mean, sd, weights = (np.array(told[name], np.float64) for name in ("mean", "sd", "weights"))
        limits = {
            name: (-inf if low is None else float(low), inf if high is None else float(high))
            for name, (low, high) in told["limits"].items()
        }
        levels = float(told["unsure_below"]), float(told["drop_below"])
        return Confidence(mean, sd, weights, float(told["bias"]), limits, *levels, told["told"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Misconfigured("SYS-MODEL", f"{path} cannot be read: {error}") from error
