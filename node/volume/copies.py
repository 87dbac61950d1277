"""Several images at one place, or in turns: respiratory phases, repeated acquisitions, duplicates (standards 4.1).

GEO-MULTIVOL comes before GEO-DUP: it applies where an attribute tells the copies apart. Volumes that lie half a step
apart have no copies; their images follow one another in turns.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from node.errors import Code, Reason, refuse, warn
from node.facts.limits import SAME_PLACE_MM
from node.volume.frame import Frame

Multivolume = Literal["refuse", "first", "last"]
SamePixels = Callable[[Frame, Frame], bool]

# What may tell copies apart, in the order of trust.
_MARKS: tuple[tuple[str, Callable[[Frame], Hashable]], ...] = (
    ("Temporal Position Identifier", lambda f: f.temporal_position),
    ("Acquisition Number", lambda f: f.acquisition_number),
    ("acquisition time", lambda f: f.acquisition_datetime),
    ("Series Description", lambda f: f.file.facts.series_description),
)


@dataclass(frozen=True, slots=True)
class Places:
    """Frames sorted along the normal, one per place, and what was found about copies."""

    frames: tuple[Frame, ...]
    reasons: tuple[Reason, ...]


def one_per_place(
    frames: Sequence[Frame], along_mm: NDArray[np.float64], *, multivolume: Multivolume, same_pixels: SamePixels
) -> Places:
    """Keep one frame per place.

    Parameters
    ----------
    frames : sequence of Frame
        Sorted along the normal; copies by SOP Instance UID.
    along_mm : (n,), mm
        Their projections, ascending.
    multivolume : "refuse", "first", "last"
        Which of several volumes to take.
    same_pixels : callable
        Compares two frames' pixels and rescale; called for copies only.
    """
    groups = _grouped(frames, along_mm)
    if all(len(group) == 1 for group in groups):
        return _one_volume(frames, multivolume)
    mark = _mark_of_copies(groups)
    if mark is not None:
        return _choose(groups, mark, multivolume)
    return _deduplicate(groups, same_pixels)


def _grouped(frames: Sequence[Frame], along_mm: NDArray[np.float64]) -> list[list[Frame]]:
    groups: list[list[Frame]] = []
    start_mm = -np.inf
    for frame, at_mm in zip(frames, along_mm.tolist(), strict=True):
        if at_mm - start_mm > SAME_PLACE_MM:
            groups.append([])
            start_mm = at_mm
        groups[-1].append(frame)
    return groups


def _one_volume(frames: Sequence[Frame], which: Multivolume) -> Places:
    """Keep one of several volumes whose images lie in turns: more than half of the neighbours are of different ones."""
    for name, value in _MARKS:
        values = [value(f) for f in frames]
        n_volumes = len(set(values))
        changes = sum(one != other for one, other in pairwise(values))
        if None in values or "" in values or changes <= max(len(frames) / 2, n_volumes) or n_volumes > len(frames) / 2:
            continue
        text = f"the series holds {n_volumes} volumes whose images lie in turns, told apart by {name}"
        if which == "refuse":
            return Places(tuple(frames), (refuse(Code.GEO_MULTIVOL, text),))
        chosen = sorted(set(values), key=_sortable)[-1 if which == "last" else 0]
        kept = tuple(frame for frame, of in zip(frames, values, strict=True) if of == chosen)
        return Places(kept, (warn(Code.GEO_MULTIVOL, f"{text}; the {which} was taken"),))
    return Places(tuple(frames), ())


def _mark_of_copies(groups: list[list[Frame]]) -> tuple[str, Callable[[Frame], Hashable]] | None:
    """Return the first attribute that differs within every group of copies and is known everywhere."""
    copies = [group for group in groups if len(group) > 1]
    for name, value in _MARKS:
        values = [[value(f) for f in group] for group in copies]
        if all(None not in v and "" not in v and len(set(v)) == len(v) for v in values):
            return name, value
    return None


def _choose(groups: list[list[Frame]], mark: tuple[str, Callable[[Frame], Hashable]], which: Multivolume) -> Places:
    name, value = mark
    n = max(len(group) for group in groups)
    text = f"the series holds up to {n} images at one place, told apart by {name}"
    ordered = [sorted(group, key=lambda f: _sortable(value(f))) for group in groups]
    chosen = tuple(group[-1 if which == "last" else 0] for group in ordered)
    if which == "refuse":
        return Places(chosen, (refuse(Code.GEO_MULTIVOL, text),))
    return Places(chosen, (warn(Code.GEO_MULTIVOL, f"{text}; the {which} was taken"),))


def _sortable(value: Hashable) -> tuple[float, str]:
    return (float(value), "") if isinstance(value, int | float) else (0.0, str(value))


def _deduplicate(groups: list[list[Frame]], same_pixels: SamePixels) -> Places:
    kept, same, different = [], 0, 0
    for group in groups:
        first, *rest = group
        kept.append(first)
        for other in rest:
            if _same_position(first, other) and same_pixels(first, other):
                same += 1
            else:
                different += 1
    reasons: list[Reason] = []
    if different:
        reasons.append(refuse(Code.GEO_DUP, f"{different} images repeat a position with other pixels"))
    if same:
        reasons.append(warn(Code.GEO_DUPSAME, f"{same} images repeat another image and were left out"))
    return Places(tuple(kept), tuple(reasons))


def _same_position(one: Frame, other: Frame) -> bool:
    a, b = one.geometry.image_position_lps_mm, other.geometry.image_position_lps_mm
    return a is not None and b is not None and bool(np.abs(np.subtract(a, b)).max() <= SAME_PLACE_MM)
