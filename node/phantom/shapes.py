"""Solids with an exact inside, from which every phantom is put together. Lengths in mm, places in LPS."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """All points with sum(((p - centre) / radii)²) <= 1, axes along L, P, S. A `power` above 2 squares it off."""

    centre_lps_mm: Point
    radii_lps_mm: Point
    power: int = 2


@dataclass(frozen=True, slots=True)
class Box:
    """All points between two corners, faces along L, P, S."""

    low_lps_mm: Point
    high_lps_mm: Point


@dataclass(frozen=True, slots=True)
class Tube:
    """A rounded cone: all points nearer to the segment start-end than the radius there."""

    start_lps_mm: Point
    end_lps_mm: Point
    start_radius_mm: float
    end_radius_mm: float


Shape = Ellipsoid | Box | Tube


def sphere(centre_lps_mm: Point, diameter_mm: float) -> Ellipsoid:
    """Return a ball of this diameter."""
    radius = diameter_mm / 2.0
    return Ellipsoid(centre_lps_mm, (radius, radius, radius))


def bounds_lps_mm(shape: Shape) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lowest and the highest corner of the box round a shape, mm."""
    if isinstance(shape, Box):
        return np.asarray(shape.low_lps_mm), np.asarray(shape.high_lps_mm)
    if isinstance(shape, Ellipsoid):
        centre, radii = np.asarray(shape.centre_lps_mm), np.asarray(shape.radii_lps_mm)
        return centre - radii, centre + radii
    start, end = np.asarray(shape.start_lps_mm), np.asarray(shape.end_lps_mm)
    radius = max(shape.start_radius_mm, shape.end_radius_mm)
    return np.minimum(start, end) - radius, np.maximum(start, end) + radius


def inside(
    shape: Shape, l_mm: NDArray[np.float32], p_mm: NDArray[np.float32], s_mm: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Tell which points lie inside; the three coordinates broadcast against one another."""
    if isinstance(shape, Ellipsoid):
        return _inside_ellipsoid(shape, (l_mm, p_mm, s_mm))
    if isinstance(shape, Box):
        return _inside_box(shape, (l_mm, p_mm, s_mm))
    return _inside_tube(shape, (l_mm, p_mm, s_mm))


Coordinates = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def _inside_ellipsoid(shape: Ellipsoid, at_mm: Coordinates) -> NDArray[np.bool_]:
    terms = []
    for coordinate, centre, radius in zip(at_mm, shape.centre_lps_mm, shape.radii_lps_mm, strict=True):
        squared = np.square((coordinate - np.float32(centre)) * np.float32(1.0 / radius))
        terms.append(squared if shape.power == 2 else squared ** (shape.power // 2))
    within: NDArray[np.bool_] = terms[0] + terms[1] + terms[2] <= np.float32(1.0)
    return within


def _inside_box(shape: Box, at_mm: Coordinates) -> NDArray[np.bool_]:
    within: NDArray[np.bool_] = np.ones((1, 1, 1), bool)
    for coordinate, low, high in zip(at_mm, shape.low_lps_mm, shape.high_lps_mm, strict=True):
        within = within & (coordinate >= np.float32(low)) & (coordinate <= np.float32(high))
    return within


def _inside_tube(shape: Tube, at_mm: Coordinates) -> NDArray[np.bool_]:
    start = np.asarray(shape.start_lps_mm, np.float64)
    along = np.asarray(shape.end_lps_mm, np.float64) - start
    squared_length = float(along @ along)
    from_start = [coordinate - np.float32(begin) for coordinate, begin in zip(at_mm, start, strict=True)]
    share = sum((d * np.float32(a) for d, a in zip(from_start, along, strict=True)), np.float32(0.0))
    share = np.clip(share * np.float32(1.0 / squared_length if squared_length else 0.0), 0.0, 1.0)
    distance = sum(
        (np.square(d - share * np.float32(a)) for d, a in zip(from_start, along, strict=True)), np.float32(0.0)
    )
    radius = np.float32(shape.start_radius_mm) + share * np.float32(shape.end_radius_mm - shape.start_radius_mm)
    within: NDArray[np.bool_] = distance <= np.square(radius)
    return within
