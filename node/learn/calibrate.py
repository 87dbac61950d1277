"""Confidence of candidates, fitted and judged: Platt's scaling over their shape, held out by patient.

fit          logistic regression with a small ridge, by Newton's steps: no draws, the same candidates give the same fit
cubes        of a nodule cube's candidates most are lesions, for it was cut round one; of a whole scan's few are. So
             cubes have a bias of their own in the fit, and what is kept is the whole scans' (ADR 0019)
limits       of each shape feature, how far the lesions of training patients go towards vessels, fissures and hilum, a
             quarter of their span farther; those of validation patients tell how many lesions the limits would lose
reliability  ten bins of equal mass: mean confidence against the share of lesions; ECE is the weighted mean distance,
             its interval by bootstrap over scans
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.errors import InputRefused
from node.segment.lesions.confidence import Confidence
from node.segment.lesions.shape import NAMES

Values = NDArray[np.float64]

N_BINS = 10
ENOUGH = 200  # candidates that an error of calibration is worth something for
GOAL = 0.05  # expected calibration error that is asked for
_RIDGE = 1.0
_STEPS = 50
_AT_MOST = ("elongation", "flatness", "outside_frac")  # what a vessel, a fissure, the hilum have more of
_AT_LEAST = ("blobness", "ridgeness", "inner_mm")  # and less of; a mass may be thicker than all that were at hand
_SLACK = 0.25
_FEWEST_TRUE = 10
_KEPT_TRUE = 0.95  # of the lesions that stay above `drop_below`, taken as if all were of whole scans


@dataclass(frozen=True, slots=True)
class Labelled:
    """One candidate: the features of its shape, whether it is a lesion, which patient and scan it is of.

    `split` is the patient's: train or val. `of_cube`: of a nodule cube instead of a whole scan.
    """

    features: Values
    is_lesion: bool
    case: str
    scan: str
    split: str
    of_cube: bool = False


@dataclass(frozen=True, slots=True)
class Reliability:
    """Confidence against truth.

    Attributes
    ----------
    predicted, observed, n : of each bin.
    ece : expected calibration error; interval 95 %.
    """

    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    n: tuple[int, ...]
    ece: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What a calibration comes to; `held_out`: each candidate's confidence from the fit without its patient."""

    confidence: Confidence
    reliability: Reliability
    held_out: Values
    told: dict[str, Any]


def calibrate(found: Sequence[Labelled], *, unsure_below: float = 0.5, seed: int = 0) -> Calibrated:
    """Fit the confidence on all candidates and judge it held out by patient; fit limits on training patients alone.

    Raises
    ------
    InputRefused
        CALIBRATE-FEW with fewer than ten lesions, ten others, three patients, or ten lesions of training patients;
        SET-LEAK for a patient of training and validation.
    """
    x = np.array([one.features for one in found], np.float64).reshape(-1, len(NAMES))
    y = np.array([one.is_lesion for one in found], np.float64)
    cases = np.array([one.case for one in found])
    is_train = np.array([one.split == "train" for one in found], bool)
    of_cube = np.array([one.of_cube for one in found], np.float64)
    _refuse_few(y, cases, is_train)
    _refuse_torn(cases, is_train)
    held_out, as_of_scan = np.empty(len(y)), np.empty(len(y))
    for case in sorted(set(cases.tolist())):
        without = cases != case
        fit = _fit(x[without], y[without], of_cube[without])
        held_out[~without] = _confidence_of(fit, x[~without], of_cube[~without])
        as_of_scan[~without] = _confidence_of(fit, x[~without], np.zeros(int((~without).sum())))
    fit = _fit(x, y, of_cube)
    of_scan = of_cube == 0
    scans = [one.scan for one in found]
    judged = reliability(held_out, y, scans, seed)
    limits = limits_of(x[is_train & (y > 0)])
    held_true = x[~is_train & (y > 0)]
    drop_below = min(float(np.quantile(as_of_scan[y > 0], 1.0 - _KEPT_TRUE)), unsure_below)
    told = {
        "features": list(NAMES),
        "n": len(y),
        "n_true": int(y.sum()),
        "n_train": int(is_train.sum()),
        "n_train_true": len(x[is_train & (y > 0)]),
        "n_val_true": len(held_true),
        "n_val_true_lost": int((~within(held_true, limits)).sum()),  # to the limits
        "n_scans": len(set(scans)),
        "whole_scans": _told_of_whole(held_out[of_scan], y[of_scan]),
        "cube_bias": fit.cube_bias,
        "cases": sorted(set(cases.tolist())),
        "ece": judged.ece,
        "ece_interval": list(judged.interval),
        "auc": auc(held_out, y),
        "bins": {"predicted": judged.predicted, "observed": judged.observed, "n": judged.n},
        "unsure_below": unsure_below,
        "drop_below": drop_below,
        "enough": len(y) >= ENOUGH,
        "asked_for": ENOUGH,
        "goal": GOAL,
    }
    confidence = Confidence(fit.mean, fit.sd, fit.weights, fit.bias, limits, unsure_below, drop_below, told)
    return Calibrated(confidence, judged, held_out, told)


def limits_of(lesions: Values) -> dict[str, tuple[float, float]]:
    """Return how far the lesions' shapes go, a quarter of their span farther, towards what is no lesion."""
    answer = {}
    for name in (*_AT_MOST, *_AT_LEAST):
        values = lesions[:, NAMES.index(name)]
        low, high = float(values.min()), float(values.max())
        slack = _SLACK * (high - low)
        answer[name] = (-inf, high + slack) if name in _AT_MOST else (low - slack, inf)
    return answer


def within(x: Values, limits: dict[str, tuple[float, float]]) -> NDArray[np.bool_]:
    """Tell which candidates (n, features) lie within the limits."""
    inside = np.ones(len(x), bool)
    for name, (low, high) in limits.items():
        values = x[:, NAMES.index(name)]
        inside &= (low <= values) & (values <= high)
    return inside


def reliability(p: Values, y: Values, scans: Sequence[str], seed: int = 0, n_draws: int = 1000) -> Reliability:
    """Return the reliability of confidences in bins of equal mass."""
    order = np.argsort(p, kind="stable")
    bins = [part for part in np.array_split(order, N_BINS) if len(part)]
    rng = np.random.default_rng(seed)
    names = sorted(set(scans))
    index = {name: np.flatnonzero(np.array(scans) == name) for name in names}
    draws = []
    for _ in range(n_draws):
        chosen = np.concatenate([index[names[i]] for i in rng.integers(len(names), size=len(names))])
        draws.append(ece(p[chosen], y[chosen]))
    low, high = np.percentile(draws, [2.5, 97.5])
    return Reliability(
        tuple(float(p[part].mean()) for part in bins),
        tuple(float(y[part].mean()) for part in bins),
        tuple(len(part) for part in bins),
        ece(p, y),
        (float(low), float(high)),
    )


def ece(p: Values, y: Values) -> float:
    """Return the expected calibration error over ten bins of equal mass."""
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, N_BINS) if len(part)]
    return float(sum(len(part) * abs(p[part].mean() - y[part].mean()) for part in parts) / len(p))


def auc(values: Values, y: Values) -> float | None:
    """Return how often a lesion has the higher value of a random pair; ties count half; None with one kind only."""
    true, false = values[y > 0], values[y == 0]
    if not len(true) or not len(false):
        return None
    above = (true[:, None] > false[None]).mean() + 0.5 * (true[:, None] == false[None]).mean()
    return float(above)


def _refuse_few(y: Values, cases: NDArray[np.str_], is_train: NDArray[np.bool_]) -> None:
    """Raise InputRefused CALIBRATE-FEW where a fit or the limits would mean nothing."""
    n_cases, n_train_true = len(set(cases.tolist())), int(y[is_train].sum())
    if min(y.sum(), len(y) - y.sum(), n_train_true) < _FEWEST_TRUE or n_cases < 3:
        text = (
            f"{len(y)} candidates with {int(y.sum())} lesions of {n_cases} patients, {n_train_true} of the lesions of"
        )
        raise InputRefused("CALIBRATE-FEW", f"{text} training patients, are too few; give more --data")


def _refuse_torn(cases: NDArray[np.str_], is_train: NDArray[np.bool_]) -> None:
    """Raise InputRefused SET-LEAK where the limits would be judged by a patient that they were measured on."""
    torn = sorted(set(cases[is_train].tolist()) & set(cases[~is_train].tolist()))
    if torn:
        raise InputRefused("SET-LEAK", f"of training and of validation: {', '.join(torn[:5])}")


def _told_of_whole(p: Values, y: Values) -> dict[str, Any]:
    """Return how the candidates of whole scans fare alone: what was promised, and what was so."""
    if not len(y):
        return {"n": 0, "n_true": 0, "predicted": None, "observed": None, "auc": None}
    return {
        "n": len(y), "n_true": int(y.sum()), "predicted": float(p.mean()), "observed": float(y.mean()),
        "auc": auc(p, y),
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Fit:
    mean: Values
    sd: Values
    weights: Values
    bias: float
    cube_bias: float  # on top of it


def _fit(x: Values, y: Values, of_cube: Values) -> _Fit:
    """Fit a logistic regression with Platt's targets, which keep a few candidates from being certain.

    Where all candidates or none are of cubes there is one bias alone.
    """
    mean, sd = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
    apart = of_cube if 0.0 < of_cube.mean() < 1.0 else np.zeros(len(y))
    design = np.column_stack(((x - mean) / sd, apart, np.ones(len(x))))
    n_true, n_false = y.sum(), len(y) - y.sum()
    target = np.where(y > 0, (n_true + 1.0) / (n_true + 2.0), 1.0 / (n_false + 2.0))
    ridge = np.diag([_RIDGE] * x.shape[1] + [1e-6, 1e-6])
    w = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(design @ w, -30.0, 30.0)))
        slope = design.T @ (p - target) + ridge @ w
        curve = (design * (p * (1.0 - p))[:, None]).T @ design + ridge
        step = np.linalg.solve(curve, slope)
        w -= step
        if float(np.abs(step).max()) < 1e-9:
            break
    return _Fit(mean, sd, w[:-2], float(w[-1]), float(w[-2]))


def _confidence_of(fit: _Fit, x: Values, of_cube: Values) -> Values:
    z = (x - fit.mean) / fit.sd @ fit.weights + fit.bias + fit.cube_bias * of_cube
    answer: Values = 1.0 / (1.0 + np.exp(-np.clip(z, -50.0, 50.0)))
    return answer
