"""Marks against what is known of a scan: found, known, false; and FROC over several scans.

A mark hits an outline that it overlaps, a ball or a box that holds its centre. One hit finds a lesion, further marks
on it are no false ones. FROC: the mean number of false marks per completely read scan against the share of known
lesions that are found, over the confidences; intervals by bootstrap over scans.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.learn.scans import Known, Scan

Point = tuple[float, float, float]

_SPARED_MM = 6.0  # round a reader's point
RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 8.0)  # false marks per scan at which sensitivity is given


@dataclass(frozen=True, slots=True)
class FoundMark:
    """One mark as a scan's judge sees it.

    Attributes
    ----------
    mask_zyx : of its box on the scan's grid; box : where that lies.
    doubt : why it is listed as uncertain, None where it is sure.
    """

    name: str
    centre_lps_mm: Point
    confidence: float
    volume_mm3: float
    box: tuple[slice, slice, slice]
    mask_zyx: NDArray[np.bool_]
    doubt: str | None = None

    @property
    def is_uncertain(self) -> bool:
        """Tell whether it is listed as uncertain."""
        return self.doubt is not None


@dataclass(frozen=True, slots=True)
class Judged:
    """One mark, judged: `hits` holds the numbers of the known lesions it hits; is_false only where that is known."""

    mark: FoundMark
    hits: tuple[int, ...]
    is_false: bool
    is_spared: bool


@dataclass(frozen=True, slots=True)
class Fit:
    """How the mark that shares most with an outlined lesion fits it: 3D Dice, and found over outlined volume."""

    mark: str
    dice: float
    volume_ratio: float


@dataclass(frozen=True, slots=True)
class ScanScore:
    """One scan.

    Attributes
    ----------
    best : the highest confidence among the marks that hit each lesion that counts, None if missed.
    fits : of each lesion that counts and is outlined, None if missed.
    """

    name: str
    split: str
    read_completely: bool
    n_known: int
    n_found: int
    n_marks: int
    n_false: int
    n_unadjudicated: int
    best: tuple[float | None, ...]
    false: tuple[float, ...]
    judged: tuple[Judged, ...]
    fits: tuple[Fit | None, ...]


def score(scan: Scan, marks: Sequence[FoundMark]) -> ScanScore:
    """Judge the marks of one scan."""
    judged = tuple(_judged(scan, mark) for mark in marks)
    counted = [number for number, known in enumerate(scan.known) if known.counts]
    best = tuple(max((one.mark.confidence for one in judged if number in one.hits), default=None) for number in counted)
    false = tuple(one.mark.confidence for one in judged if one.is_false)
    outlines = [scan.known[number].mask_zyx for number in counted]
    fits = tuple(_fit(mask, judged) for mask in outlines if mask is not None)
    elsewhere = sum(not one.hits and not one.is_spared for one in judged)
    return ScanScore(
        scan.name, scan.split, scan.read_completely, len(counted), sum(value is not None for value in best),
        len(marks), len(false), 0 if scan.read_completely else elsewhere, best, false, judged, fits,
    )  # fmt: skip


def _fit(truth_zyx: NDArray[np.bool_], judged: Sequence[Judged]) -> Fit | None:
    """Return how the mark that shares most voxels with an outline fits it, None where none does."""
    shared = [int((truth_zyx[one.mark.box] & one.mark.mask_zyx).sum()) for one in judged]
    if not any(shared):
        return None
    at = int(np.argmax(shared))
    n_found, n_truth = int(judged[at].mark.mask_zyx.sum()), int(truth_zyx.sum())
    return Fit(judged[at].mark.name, 2.0 * shared[at] / (n_found + n_truth), n_found / n_truth)


def _judged(scan: Scan, mark: FoundMark) -> Judged:
    hits = tuple(number for number, known in enumerate(scan.known) if _hits(mark, known))
    away_mm = [float(np.linalg.norm(np.subtract(mark.centre_lps_mm, at))) for at in scan.spared_lps_mm]
    is_spared = bool(away_mm) and min(away_mm) <= _SPARED_MM
    return Judged(mark, hits, scan.read_completely and not hits and not is_spared, is_spared)


def _hits(mark: FoundMark, known: Known) -> bool:
    if known.mask_zyx is not None:
        return bool((known.mask_zyx[mark.box] & mark.mask_zyx).any())
    if known.ball_lps_mm is not None:
        centre, radius_mm = known.ball_lps_mm
        return float(np.linalg.norm(np.subtract(mark.centre_lps_mm, centre))) <= radius_mm
    if known.box_lps_mm is not None:
        return all(low <= at <= high for at, (low, high) in zip(mark.centre_lps_mm, known.box_lps_mm, strict=True))
    return False


@dataclass(frozen=True, slots=True)
class Froc:
    """Sensitivity at `RATES` false marks per scan, each with a 95 % interval; their mean is the usual score."""

    sensitivity: tuple[float, ...]
    interval: tuple[tuple[float, float], ...]
    mean: float
    n_known: int
    n_scans: int


def froc(scores: Sequence[ScanScore], seed: int = 0, n_draws: int = 1000) -> Froc | None:
    """Return FROC over the completely read scans, None where none of them has a lesion."""
    chosen = [one for one in scores if one.read_completely]
    if not any(one.n_known for one in chosen):
        return None
    values = _sensitivities(chosen)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(n_draws):
        sample = [chosen[i] for i in rng.integers(len(chosen), size=len(chosen))]
        if any(one.n_known for one in sample):
            drawn.append(_sensitivities(sample))
    low, high = np.percentile(np.array(drawn), [2.5, 97.5], axis=0)
    interval = tuple((float(a), float(b)) for a, b in zip(low, high, strict=True))
    return Froc(tuple(values), interval, float(np.mean(values)), sum(one.n_known for one in chosen), len(chosen))


def _sensitivities(scores: Iterable[ScanScore]) -> list[float]:
    scores = list(scores)
    best = [value for one in scores for value in one.best]
    false = np.sort([value for one in scores for value in one.false])[::-1]
    answer = []
    for rate in RATES:
        allowed = int(rate * len(scores))
        level = false[allowed] if allowed < len(false) else -np.inf  # marks above this confidence are kept
        answer.append(sum(value is not None and value > level for value in best) / len(best))
    return answer
