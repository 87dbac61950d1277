"""The thorax as solids: sizes and places in mm (LPS, the origin near the carina), radiodensities in HU.

Nothing is symmetric: the right lung is larger, the heart lies left, the liver right and higher than the spleen, so
that a picture turned or mirrored by mistake is told from the true one.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import cos, radians, sin

import numpy as np

from node.phantom.shapes import Box, Ellipsoid, Point, Shape, Tube

AIR = -1000.0
LUNG = -860.0
AIRWAY = -990.0
FAT = -95.0
MUSCLE = 52.0
HEART = 42.0
LIVER = 58.0
SPLEEN = 48.0
BLOOD = 45.0
BONE = 420.0
MARROW = 190.0
TABLE = -620.0

HIP = -180.0  # lowest slice of interest, mm
NECK = 140.0  # highest


@dataclass(frozen=True, slots=True)
class Part:
    """A solid and what fills it."""

    shape: Shape
    hu: float


BODY = Part(Ellipsoid((0.0, 0.0, -20.0), (172.0, 118.0, 900.0)), FAT)
MUSCLES = Part(Ellipsoid((0.0, 0.0, -20.0), (160.0, 106.0, 900.0)), MUSCLE)
COUCH = Part(Box((-190.0, 120.0, -2000.0), (190.0, 132.0, 2000.0)), TABLE)

RIGHT = Ellipsoid((-74.0, 0.0, -70.0), (66.0, 88.0, 188.0))
LEFT = Ellipsoid((74.0, 4.0, -70.0), (61.0, 84.0, 180.0))

# What the lungs leave free, painted over them.
LIVER_DOME = Part(Ellipsoid((-66.0, -8.0, -190.0), (84.0, 96.0, 88.0)), LIVER)
SPLEEN_DOME = Part(Ellipsoid((84.0, 14.0, -196.0), (70.0, 84.0, 74.0)), SPLEEN)
MEDIASTINUM = Part(Ellipsoid((2.0, 14.0, 20.0), (36.0, 74.0, 320.0)), FAT + 60)
HEART_BODY = Part(Ellipsoid((28.0, -36.0, -82.0), (60.0, 50.0, 62.0)), HEART)
AORTA_DESCENDING = Part(Tube((26.0, 52.0, -260.0), (24.0, 46.0, 28.0), 12.0, 12.5), BLOOD)
AORTA_ARCH = Part(Tube((24.0, 46.0, 28.0), (-4.0, -24.0, 34.0), 12.5, 14.0), BLOOD)
AORTA_ASCENDING = Part(Tube((-4.0, -24.0, 34.0), (2.0, -26.0, -40.0), 14.0, 15.0), BLOOD)
PULMONARY_TRUNK = Part(Tube((18.0, -34.0, -40.0), (20.0, -6.0, -6.0), 14.0, 13.0), BLOOD)
ABDOMEN = Part(Box((-150.0, -100.0, -400.0), (150.0, 100.0, -186.0)), 40.0)

CARINA: Point = (2.0, 18.0, 4.0)
TRACHEA = Tube((0.0, 10.0, 220.0), CARINA, 8.5, 8.5)
RIGHT_BRONCHUS = Tube(CARINA, (-34.0, 22.0, -22.0), 7.5, 6.0)
LEFT_BRONCHUS = Tube(CARINA, (42.0, 26.0, -30.0), 6.5, 5.0)
AIRWAYS = (TRACHEA, RIGHT_BRONCHUS, LEFT_BRONCHUS)
WALL_MM = 1.6

RIGHT_HILUM: Point = (-38.0, 20.0, -24.0)
LEFT_HILUM: Point = (44.0, 24.0, -28.0)


def organs() -> tuple[Part, ...]:
    """Return what bounds the lungs towards the middle and below, in the order of painting."""
    return (
        MEDIASTINUM, LIVER_DOME, SPLEEN_DOME, HEART_BODY, AORTA_DESCENDING, AORTA_ARCH, AORTA_ASCENDING,
        PULMONARY_TRUNK, ABDOMEN,
    )  # fmt: skip


def bones() -> tuple[Part, ...]:
    """Return spine, sternum and ribs."""
    return (*_spine(), *_sternum(), *_ribs())


def _spine() -> list[Part]:
    parts = []
    for level in np.arange(-380.0, 260.0, 26.0).tolist():
        body = Ellipsoid((0.0, 66.0, level), (17.0, 14.0, 11.5), power=4)
        parts += [Part(body, BONE), Part(Ellipsoid((0.0, 66.0, level), (14.5, 11.5, 9.5), power=4), MARROW)]
        parts.append(Part(Tube((0.0, 84.0, level), (0.0, 104.0, level - 8.0), 4.0, 3.0), BONE))
    parts.append(Part(Tube((0.0, 84.0, -400.0), (0.0, 84.0, 300.0), 7.0, 7.0), 30.0))
    return parts


def _sternum() -> list[Part]:
    plate = Ellipsoid((0.0, -97.0, 0.0), (17.0, 5.0, 80.0), power=4)
    return [Part(plate, BONE), Part(Ellipsoid((0.0, -97.0, 0.0), (14.5, 3.2, 77.0), power=4), MARROW)]


def _ribs() -> list[Part]:
    parts = []
    for start in np.arange(-150.0, 131.0, 26.0).tolist():
        narrowing = 1.0 - max(0.0, (start - 30.0) / 260.0) ** 1.2
        for side in (-1.0, 1.0):
            points = [_rib_point(side, degrees, start, narrowing) for degrees in range(-82, 73, 11)]
            for one, other in pairwise(points):
                parts += [Part(Tube(one, other, 5.0, 5.0), BONE), Part(Tube(one, other, 3.0, 3.0), MARROW)]
    return parts


def _rib_point(side: float, degrees: float, start_mm: float, narrowing: float) -> Point:
    """Return a point of a rib: -90 degrees at the spine, +90 at the sternum, sloping down towards the front."""
    angle = radians(degrees)
    slope = -42.0 * (sin(angle) + 1.0) / 2.0
    return (side * 150.0 * narrowing * cos(angle), -97.0 * sin(angle), start_mm + 30.0 + slope)
