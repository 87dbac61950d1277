"""Which images of a series lie in its stack: scouts and other odd ones stand aside (standards 4.1).

An image stands aside where it says LOCALIZER; where it lies across the others' slices; where it has a direction that
nobody shares; or where two of three things set it apart from most: no valid place in the patient, another matrix,
another value 3 of Image Type. One of them alone is a slice that was damaged or does not fit: leaving it out could hide
that the lungs are not whole. What is left out leaves a gap where it belonged to the stack, and a gap refuses.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from math import cos, isfinite, radians
from typing import Protocol, TypeVar

from node.facts.derived import is_localizer
from node.facts.instance import GeometryFacts
from node.facts.limits import COSINE_TOLERANCE, LEAST_SLICES

_ACROSS_COSINE = cos(radians(45.0))  # slices that lie more than 45 degrees off the others'
_SIGNS = 2  # of three that set an image apart

Orientation = tuple[float, float, float, float, float, float]


class Image(Protocol):
    """What is asked of an instance or of a frame."""

    @property
    def geometry(self) -> GeometryFacts:
        """Where it lies."""

    @property
    def image_type(self) -> tuple[str, ...]:
        """Image Type."""


_Image = TypeVar("_Image", bound=Image)


def fitting(images: Sequence[_Image]) -> tuple[_Image, ...]:
    """Return the images of a series' stack in their order; all of them where every one is a scout."""
    if len({(i.geometry.image_orientation, i.geometry.rows, i.geometry.columns, i.image_type) for i in images}) == 1:
        return tuple(images)  # nothing sets one apart: the usual series, of which each look at a study asks
    kept = [image for image in images if not is_localizer(image.image_type)]
    if not kept:
        return tuple(images)
    return tuple(_without_loners(_without_crossing(_without_strangers(kept))))


def is_placed(geometry: GeometryFacts) -> bool:
    """Tell whether position, orientation, spacing and matrix are there and can be (GEO-NOIPP)."""
    position, orientation = geometry.image_position_lps_mm, geometry.image_orientation
    spacing = geometry.pixel_spacing_yx_mm
    if position is None or orientation is None or spacing is None or not geometry.rows or not geometry.columns:
        return False
    finite = all(map(isfinite, (*position, *spacing)))
    return finite and min(spacing) > 0 and is_orthonormal(orientation)


def is_orthonormal(orientation: Orientation) -> bool:
    """Tell whether both cosines have unit length and are orthogonal."""
    row, column = orientation[:3], orientation[3:]
    errors = (_dot(row, row) - 1.0, _dot(column, column) - 1.0, _dot(row, column))
    return all(map(isfinite, orientation)) and all(abs(error) <= 2 * COSINE_TOLERANCE for error in errors)


def normal_of(orientation: Orientation) -> tuple[float, float, float]:
    """Return row direction x column direction (PS3.3 C.7.6.2.1.1)."""
    rx, ry, rz, cx, cy, cz = orientation
    return (ry * cz - rz * cy, rz * cx - rx * cz, rx * cy - ry * cx)


def _without_strangers(images: list[_Image]) -> list[_Image]:
    """Drop images that two of three signs set apart from most of the placed ones."""
    placed = [image for image in images if is_placed(image.geometry)]
    if not placed:
        return images
    usual_matrix, usual_kind = _most(placed, _matrix), _most(placed, _kind)

    def is_strange(image: _Image) -> bool:
        signs = (not is_placed(image.geometry), _matrix(image) != usual_matrix, _kind(image) != usual_kind)
        return sum(signs) >= _SIGNS

    return _without_few(images, is_strange)


def _without_crossing(images: list[_Image]) -> list[_Image]:
    """Drop images across the others' slices."""
    usual = _usual_orientation(images)
    return _without_few(images, lambda image: _is_across(image, usual))


def _without_few(images: list[_Image], is_odd: Callable[[_Image], bool]) -> list[_Image]:
    """Drop the odd ones, unless they are enough for a volume of their own: then nobody knows which one is meant."""
    kept = [image for image in images if not is_odd(image)]
    n_odd = len(images) - len(kept)
    return kept if n_odd < min(LEAST_SLICES, len(images) / 2) else images


def _without_loners(images: list[_Image]) -> list[_Image]:
    """Drop images whose orientation differs from all others', if the rest has one orientation."""
    usual = _usual_orientation(images)
    if usual is None:
        return images
    counts = _orientations(images)
    others = [o for o in counts if _differ(o, usual)]
    if any(counts[o] > 1 or sum(not _differ(o, other) for other in others) > 1 for o in others):
        return images
    return [image for image in images if image.geometry.image_orientation not in others]


def _is_across(image: Image, usual: Orientation | None) -> bool:
    orientation = image.geometry.image_orientation
    if usual is None or orientation is None or not is_orthonormal(orientation):
        return False
    return abs(_dot(normal_of(orientation), normal_of(usual))) < _ACROSS_COSINE


def _usual_orientation(images: Sequence[Image]) -> Orientation | None:
    counts = _orientations(images)
    return counts.most_common(1)[0][0] if counts else None


def _orientations(images: Sequence[Image]) -> Counter[Orientation]:
    found = (image.geometry.image_orientation for image in images)
    return Counter(o for o in found if o is not None and is_orthonormal(o))


def _differ(one: Orientation, other: Orientation) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) > COSINE_TOLERANCE


def _matrix(image: Image) -> tuple[int | None, int | None]:
    return image.geometry.rows, image.geometry.columns


def _kind(image: Image) -> str:
    """Return Image Type value 3, "" where there is none."""
    return image.image_type[2].strip().upper() if len(image.image_type) > 2 else ""


def _most(images: Sequence[_Image], value: Callable[[_Image], Hashable]) -> Hashable:
    return Counter(value(image) for image in images).most_common(1)[0][0]


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
