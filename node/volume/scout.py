"""Scouts and other objects inside an axial series: left out, and said so (standards 4.1 and 4.2)."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from node.errors import Code, Reason, warn
from node.facts.derived import is_localizer
from node.facts.series import SeriesFacts
from node.volume.frame import Frame
from node.volume.pixel_values import CT_CLASSES
from node.volume.plane import COSINE_TOLERANCE, is_orthonormal


def leave_out_others(series: SeriesFacts) -> tuple[SeriesFacts, tuple[Reason, ...]]:
    """Split off objects that are no CT images, such as a dose report or a screenshot; a series of them stays whole.

    Returns
    -------
    (the series that remains, a warning if anything was left out)
    """
    kept = tuple(file for file in series.files if file.facts.sop_class_uid in CT_CLASSES)
    n = len(series.files) - len(kept)
    if not kept or not n:
        return series, ()
    return SeriesFacts(kept), (warn(Code.RT_SOP, f"{n} objects inside the series that are no CT images were left out"),)


def leave_out_scouts(frames: Sequence[Frame]) -> tuple[tuple[Frame, ...], tuple[Reason, ...]]:
    """Split off images that say LOCALIZER, or whose orientation nobody shares; a series of scouts alone stays whole.

    Returns
    -------
    (the frames that remain, a warning if any were left out)
    """
    kept = [f for f in frames if not is_localizer(f.image_type)]
    if not kept:
        return tuple(frames), ()
    kept = _without_loners(kept)
    n = len(frames) - len(kept)
    if not n:
        return tuple(frames), ()
    return tuple(kept), (warn(Code.RT_LOCALIZER, f"{n} scout images inside the series were left out"),)


def _without_loners(frames: list[Frame]) -> list[Frame]:
    """Drop frames whose orientation differs from all others', if the rest has one orientation."""
    oriented = [f.geometry.image_orientation for f in frames]
    counts = Counter(o for o in oriented if o is not None and is_orthonormal(np.asarray(o)))
    if len(counts) < 2:
        return frames
    usual = np.asarray(counts.most_common(1)[0][0])
    others = [o for o in counts if np.abs(np.asarray(o) - usual).max() > COSINE_TOLERANCE]
    if any(counts[o] > 1 or _has_neighbour(o, others) for o in others):
        return frames
    return [f for f in frames if f.geometry.image_orientation not in others]


def _has_neighbour(one: tuple[float, ...], others: list[tuple[float, float, float, float, float, float]]) -> bool:
    near = [bool(np.abs(np.asarray(one) - np.asarray(other)).max() <= COSINE_TOLERANCE) for other in others]
    return sum(near) > 1
