"""Where a lesion lies.

side                    of the lung that it lies in or touches, none where both are near alike (`surroundings.py`)
zone                    third of that lung's extent from its lowest to its highest point that holds the centroid;
                        a zone is not a lobe
to the pleura           least distance between the lesion's outermost voxels and the lung's outer surface, 0 where
                        it touches; says nothing about invasion
to the mediastinum      the same to the medial half of that surface: ribs included, as the standards define it
to the carina           from the centroid to the carina, where that was found
"""

from dataclasses import dataclass
from enum import StrEnum
from math import dist

import numpy as np
from numpy.typing import NDArray

from node.measure.lesions.gap import gap_mm
from node.measure.lesions.lung_surface import LungSurface
from node.measure.quantity import Side

Point = tuple[float, float, float]


class Zone(StrEnum):
    """Third of the lung."""

    UPPER = "upper"
    MIDDLE = "middle"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Location:
    """None stands for what could not be told: no lung near, or both alike, a lung that the scan cuts off, no carina."""

    side: Side | None
    zone: Zone | None
    to_pleura_mm: float | None
    to_mediastinum_mm: float | None
    to_carina_mm: float | None


def locate(
    outermost_lps_mm: NDArray[np.float64],
    centre_lps_mm: Point,
    side: Side | None,
    surface: LungSurface | None,
    carina_lps_mm: Point | None,
) -> Location:
    """Locate one lesion.

    Parameters
    ----------
    outermost_lps_mm : (n, 3), centres of the lesion's outermost voxels
    centre_lps_mm : its centroid
    side : of the lung that it lies in, None without
    surface : of that lung, None without
    carina_lps_mm : None where it was not found
    """
    to_carina_mm = None if carina_lps_mm is None else dist(centre_lps_mm, carina_lps_mm)
    if side is None or surface is None:
        return Location(side, None, None, None, to_carina_mm)
    return Location(
        side,
        zone_of(centre_lps_mm[2], surface.lowest_mm, surface.highest_mm),
        gap_mm(surface.outer_lps_mm, outermost_lps_mm),
        gap_mm(surface.medial_lps_mm, outermost_lps_mm),
        to_carina_mm,
    )


def zone_of(height_mm: float, lowest_mm: float, highest_mm: float) -> Zone:
    """Return the third that a height belongs to."""
    share = (height_mm - lowest_mm) / (highest_mm - lowest_mm)
    if share < 1.0 / 3.0:
        return Zone.LOWER
    return Zone.MIDDLE if share <= 2.0 / 3.0 else Zone.UPPER
