"""The windpipe: the longest upright tube of air whose cross sections are small, round and dark.

A cross section is a piece of air of one slice with 50 to 700 mm², at most 2.2 times as long as wide, whose lumen is
air. Sections of neighbouring slices whose centres lie within 8 mm make a tube; one of at least 25 mm counts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_DARK_HU = -700
_LUMEN_HU = -880  # the lung itself is rarely darker, a lumen is, partial volume aside
_AREA_MM2 = (50.0, 700.0)
_ELONGATION = 2.2
_FILLED_FRAC = 0.5  # of its bounding box; a disc has 0.79
_STEP_MM = 8.0
_SHORTEST_MM = 25.0

_IN_SLICE = np.zeros((3, 3, 3), bool)
_IN_SLICE[1] = ndimage.generate_binary_structure(2, 1)


@dataclass(frozen=True, slots=True)
class Section:
    """One cross section: slice, centre (index) and label in the labelled dark air."""

    slice_index: int
    centre: tuple[float, float]
    label: int


def windpipe(
    hu: NDArray[np.int16], air: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> NDArray[np.bool_] | None:
    """Find the windpipe's sections, or None where there is no such tube.

    Parameters
    ----------
    hu, air : (head, back, left) int16 and bool, the working grid.
    spacing_mm : of that grid.
    """
    labels, n = ndimage.label(air & (hu < _DARK_HU), _IN_SLICE)
    tubes = _tubes(_sections(hu, labels, n, spacing_mm), spacing_mm)
    if not tubes:
        return None
    longest = max(tubes, key=lambda tube: _length_mm(tube, spacing_mm))
    if _length_mm(longest, spacing_mm) < _SHORTEST_MM:
        return None
    chosen = np.zeros(n + 1, bool)
    chosen[[section.label for section in longest]] = True
    return np.asarray(chosen[labels], bool)


def _sections(
    hu: NDArray[np.int16], labels: NDArray[np.int32], n: int, spacing_mm: tuple[float, float, float]
) -> list[Section]:
    areas_mm2 = np.bincount(labels.ravel(), minlength=n + 1) * spacing_mm[1] * spacing_mm[2]
    sections = []
    for index, box in enumerate(ndimage.find_objects(labels), start=1):
        if not _AREA_MM2[0] <= areas_mm2[index] <= _AREA_MM2[1]:
            continue
        sides_mm = [(s.stop - s.start) * mm for s, mm in zip(box[1:], spacing_mm[1:], strict=True)]
        round_enough = max(sides_mm) <= _ELONGATION * min(sides_mm)
        if not round_enough or areas_mm2[index] < _FILLED_FRAC * sides_mm[0] * sides_mm[1]:
            continue
        inside = labels[box] == index
        if np.percentile(hu[box][inside], 20) > _LUMEN_HU:
            continue
        _, rows, columns = np.nonzero(inside)
        centre = (float(rows.mean()) + box[1].start, float(columns.mean()) + box[2].start)
        sections.append(Section(int(box[0].start), centre, index))
    return sections


def _tubes(sections: list[Section], spacing_mm: tuple[float, float, float]) -> list[list[Section]]:
    """Link sections from the head downwards."""
    tubes: list[list[Section]] = []
    reach = max(1, int(_STEP_MM / spacing_mm[0]))
    for section in sorted(sections, key=lambda s: (-s.slice_index, s.label)):
        for tube in tubes:
            below = tube[-1].slice_index - section.slice_index
            shift = np.subtract(tube[-1].centre, section.centre) * spacing_mm[1:]
            if 0 < below <= reach and float(np.hypot(*shift)) < _STEP_MM:
                tube.append(section)
                break
        else:
            tubes.append([section])
    return tubes


def _length_mm(tube: list[Section], spacing_mm: tuple[float, float, float]) -> float:
    return (tube[0].slice_index - tube[-1].slice_index) * spacing_mm[0]
