"""Does test-time uncertainty tell right marks from wrong ones? P4's own open point, measured.

For each measure: how often a wrong mark is more uncertain than a right one (AUC; 0.5 is a coin), with a 95 % interval
by bootstrap over scans. The calibrated confidence, held out by patient, stands beside it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from node.learn.calibrate import Values, auc
from node.learn.candidate_set import Described


def tells_right_from_wrong(
    found: Sequence[Described], confidence: Values | None = None, seed: int = 0, n_draws: int = 500
) -> dict[str, Any]:
    """Return AUC and interval of each measure."""
    y = np.array([one.labelled.is_lesion for one in found], np.float64)
    measures = {
        "entropy": -np.array([one.entropy for one in found]),
        "distance of mirror images": -np.array([one.flip_distance for one in found]),
    }
    if confidence is not None:
        measures["1 - confidence"] = confidence
    scans = [one.labelled.scan for one in found]
    return {name: _auc(values, y, scans, seed, n_draws) for name, values in measures.items()}


def _auc(values: Values, y: Values, scans: Sequence[str], seed: int, n_draws: int) -> dict[str, Any]:
    names = sorted(set(scans))
    index = {name: np.flatnonzero(np.array(scans) == name) for name in names}
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(n_draws):
        chosen = np.concatenate([index[names[i]] for i in rng.integers(len(names), size=len(names))])
        value = auc(values[chosen], y[chosen])
        if value is not None:
            drawn.append(value)
    interval = [float(v) for v in np.percentile(drawn, [2.5, 97.5])] if drawn else None
    return {"auc": auc(values, y), "interval": interval}
