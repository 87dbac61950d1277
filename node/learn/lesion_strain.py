"""What strains a tumour network: intensities shifted by 50 HU or bent by a gamma, and small lesions.

Small is under 10 mm where the voxels' size is known (cubes: the ball of the same volume), else a slice's tumour of
under 100 pixels of 256 x 256; both are ours, the papers give no size.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import pi

import numpy as np
from numpy.typing import NDArray

from node.learn.lesion_score import Found, by_case
from node.learn.lesion_set import LesionSet
from node.learn.planes import CUBE
from node.learn.statistics import known_mean
from node.segment.preprocess.window import HIGH_HU, LOW_HU

SMALL_MM = 10.0
SMALL_PX = 100

CHANGES: Mapping[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "-50 HU": lambda hu: hu - 50.0,
    "+50 HU": lambda hu: hu + 50.0,
    "gamma 0.8": lambda hu: _bent(hu, 0.8),
    "gamma 1.25": lambda hu: _bent(hu, 1.25),
}


@dataclass(frozen=True, slots=True)
class Strain:
    """What one set of answers says, to be put together with others and told at the end.

    Attributes
    ----------
    dice_sd : (domain, standard deviation of the pooled Dice over the changes), a case each.
    p_sd : (domain, that of a pixel's probability, mean over the pixels of tumour and marks), a case each.
    small : (domain, whether a mark touches it, Dice), a small lesion each.
    """

    dice_sd: tuple[tuple[str, float], ...]
    p_sd: tuple[tuple[str, float], ...]
    small: tuple[tuple[str, bool, float], ...]


Answer = Callable[[LesionSet], list[Found]]


def strain(data: LesionSet, as_it_is: list[Found], answer: Answer, threshold: float) -> Strain:
    """Let a network answer under every change.

    Parameters
    ----------
    as_it_is : the answers to the unchanged set, in its order.
    answer : from a set to (number of the slice, probabilities) of all its slices.
    """
    found = [as_it_is, *(answer(changed(data, change)) for change in CHANGES)]
    pooled: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one in found:
        for case in by_case(data, one, threshold):
            if case.pooled_dice is not None:
                pooled[case.domain, case.case].append(case.pooled_dice)
    spreads: dict[tuple[str, str], list[NDArray[np.float32]]] = defaultdict(list)
    for same in zip(*found, strict=True):
        plane = data.planes[same[0][0]]
        p = np.stack([p for _, p in same])
        counted = (p >= threshold).any(0) | plane.tumour_yx.astype(bool)
        if counted.any():
            spreads[plane.domain, plane.case].append(p[:, counted].std(0))
    return Strain(
        tuple((domain, float(np.std(values))) for (domain, _), values in sorted(pooled.items())),
        tuple((domain, float(np.concatenate(values).mean())) for (domain, _), values in sorted(spreads.items())),
        _small_lesions(data, as_it_is, threshold),
    )


def told(strains: Sequence[Strain]) -> dict[str, dict[str, float | None]]:
    """Return by domain: mean standard deviations, and the small lesions with their recall and mean Dice.

    None is the mean of nothing: a domain without a small lesion, or without any.
    """
    dice_sd, p_sd, small = (
        [one for part in strains for one in getattr(part, name)] for name in ("dice_sd", "p_sd", "small")
    )
    answer: dict[str, dict[str, float | None]] = {}
    for domain in sorted({domain for domain, *_ in (*dice_sd, *small)}):
        few = [(hit, dice) for its, hit, dice in small if its == domain]
        answer[domain] = {
            "dice_sd": known_mean(sd for its, sd in dice_sd if its == domain),
            "probability_sd": known_mean(sd for its, sd in p_sd if its == domain),
            "n_small": len(few),
            "small_recall": known_mean(float(hit) for hit, _ in few),
            "small_dice": known_mean(dice for _, dice in few),
        }
    return answer


def changed(data: LesionSet, change: str) -> LesionSet:
    """Return the set with every slice's intensities changed by one of `CHANGES`."""
    planes = (
        replace(
            plane,
            hu_yx=np.clip(np.rint(CHANGES[change](plane.hu_yx.astype(np.float32))), -1024, 3071).astype(np.int16),
        )
        for plane in data.planes
    )
    return LesionSet(tuple(planes), data.below, data.above)


def _small_lesions(data: LesionSet, found: list[Found], threshold: float) -> tuple[tuple[str, bool, float], ...]:
    sums: dict[tuple[str, str], NDArray[np.int64]] = defaultdict(lambda: np.zeros(3, np.int64))  # both, mask, truth
    edges_mm: dict[tuple[str, str], float | None] = {}
    for at, p in found:
        plane = data.planes[at]
        cube = plane.domain == CUBE
        key = (plane.domain, plane.case if cube else plane.id)
        mask, truth = p >= threshold, plane.tumour_yx.astype(bool)
        sums[key] += np.array([(mask & truth).sum(), mask.sum(), truth.sum()], np.int64)
        edges_mm[key] = plane.step_mm if cube else None
    return tuple(
        (key[0], bool(both), 2.0 * int(both) / int(n_mask + n_truth))
        for key, (both, n_mask, n_truth) in sums.items()
        if _is_small(int(n_truth), edges_mm[key])
    )


def _is_small(n: int, edge_mm: float | None) -> bool:
    if n == 0:
        return False
    return n < SMALL_PX if edge_mm is None else 2.0 * edge_mm * (3.0 * n / (4.0 * pi)) ** (1.0 / 3.0) < SMALL_MM


def _bent(hu: NDArray[np.float32], gamma: float) -> NDArray[np.float32]:
    """Bend what lies between -1000 and 400 HU; what lies outside stays."""
    unit = np.clip((hu - LOW_HU) / (HIGH_HU - LOW_HU), 0.0, 1.0)
    inside = (hu >= LOW_HU) & (hu <= HIGH_HU)
    return np.where(inside, unit**gamma * (HIGH_HU - LOW_HU) + LOW_HU, hu).astype(np.float32)
