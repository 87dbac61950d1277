"""Trees of tubes, as vessels and bronchi grow from a hilum into a lung."""

import numpy as np
from numpy.typing import NDArray

from node.phantom.shapes import Point, Tube

_SHRINK = 0.79  # Murray's law: radii of two equal daughters are 2^(-1/3) of their parent's
_TURN = 0.55  # spread of the daughters, as a share of the parent's direction


def tree(
    root_lps_mm: Point,
    direction_lps: Point,
    *,
    generations: int,
    length_mm: float,
    radius_mm: float,
    rng: np.random.Generator,
) -> tuple[Tube, ...]:
    """Grow a tree; every tube ends in two smaller ones.

    Parameters
    ----------
    root_lps_mm, direction_lps
        Where it starts and where to.
    generations : int
        2^generations - 1 tubes are made.
    length_mm, radius_mm
        Of the first tube, mm.
    rng : numpy.random.Generator
        Decides the angles.
    """
    tips = np.asarray([root_lps_mm], np.float64)
    headings = _unit(np.asarray([direction_lps], np.float64))
    tubes: list[Tube] = []
    for _ in range(generations):
        ends = tips + headings * length_mm * rng.uniform(0.8, 1.2, (len(tips), 1))
        for tip, end in zip(tips.tolist(), ends.tolist(), strict=True):
            tubes.append(Tube(tuple(tip), tuple(end), radius_mm, radius_mm * _SHRINK))
        spread = _unit(rng.normal(size=headings.shape))
        headings = np.concatenate([_unit(headings + _TURN * spread), _unit(headings - _TURN * spread)])
        tips = np.concatenate([ends, ends])
        length_mm, radius_mm = length_mm * 0.84, radius_mm * _SHRINK
    return tuple(tubes)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths
