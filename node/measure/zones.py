"""Density of the upper, middle and lower third of each lung, and of both (standards reference, 2.1 and 2.5).

A zone is a third of the lung's own extent from its lowest to its highest slice, not a lobe; a zone of both lungs is
the union of the two. No volumes: a third of a height is no part of a lung that has one. A lung that the scan cuts off
has no thirds (GEO-PARTIAL).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from node.errors import Code, Reason
from node.measure.histogram import Histogram, histogram
from node.measure.lesions.location import Zone, zone_of
from node.measure.lungs import quantities_of, reasons_of_both, reasons_of_side
from node.measure.quantity import Name, Quantity, Side
from node.segment.contract import Segmentation, SegmentKind
from node.volume.volume import Volume

ZONES = (Zone.UPPER, Zone.MIDDLE, Zone.LOWER)
_SIDES = {SegmentKind.RIGHT_LUNG: Side.RIGHT, SegmentKind.LEFT_LUNG: Side.LEFT}


def measure_zones(volume: Volume, segmentation: Segmentation, reasons: tuple[Reason, ...]) -> tuple[Quantity, ...]:
    """Measure the zones of each lung that the segmentation has, then those of both.

    Parameters
    ----------
    volume : what was segmented
    segmentation : right lung, left lung or both; other segments are not lung
    reasons : everything found about the series so far, which decides what is withheld
    """
    cut_off = tuple(reason for reason in reasons if reason.code is Code.GEO_PARTIAL)
    by_side = {_SIDES[s.kind]: _zones(volume, segmentation, s.label) for s in segmentation.segments if s.kind in _SIDES}
    by_side = {side: zones for side, zones in by_side.items() if zones}
    sizes = {side: float(sum(zone.n_voxels for zone in zones.values())) for side, zones in by_side.items()}
    found: list[Quantity] = []
    for side, zones in sorted(by_side.items(), reverse=True):
        of_this_side = (*reasons, *reasons_of_side(side, sizes, reasons))
        found += _measured(side, zones, segmentation, of_this_side, cut_off)
    if by_side:
        shared = [zone for zone in ZONES if all(zone in zones for zones in by_side.values())]
        both = {zone: _union([zones[zone] for zones in by_side.values()]) for zone in shared}
        found += _measured(Side.BOTH, both, segmentation, (*reasons, *reasons_of_both(sizes, reasons)), cut_off)
    return tuple(found)


def zone_per_slice(occupied: NDArray[np.bool_], lps_from_zyx: NDArray[np.float64]) -> dict[int, Zone]:
    """Return the zone of each slice that holds a lung.

    Parameters
    ----------
    occupied : (slices,) bool
    lps_from_zyx : (4, 4) float64, mm; says which end of the stack is towards the head
    """
    at = np.flatnonzero(occupied)
    if not len(at):
        return {}
    upwards = 1.0 if lps_from_zyx[2, 0] >= 0 else -1.0
    low, high = sorted((upwards * float(at[0]), upwards * float(at[-1])))
    return {int(k): zone_of(upwards * float(k), low - 0.5, high + 0.5) for k in at}


def _zones(volume: Volume, segmentation: Segmentation, label: int) -> dict[Zone, Histogram]:
    masks = [plane == label for plane in segmentation.labels_zyx]
    occupied = np.array([bool(mask.any()) for mask in masks])
    counted: dict[Zone, Histogram] = {}
    for z, zone in zone_per_slice(occupied, volume.lps_from_zyx).items():
        here = histogram(volume.hu_zyx[z][masks[z]])
        counted[zone] = counted[zone] + here if zone in counted else here
    return counted


def _union(regions: Sequence[Histogram]) -> Histogram:
    return sum(regions, start=histogram(np.zeros(0, np.int16)))


def _measured(
    side: Side,
    zones: dict[Zone, Histogram],
    segmentation: Segmentation,
    reasons: Sequence[Reason],
    cut_off: tuple[Reason, ...],
) -> list[Quantity]:
    return [
        _of_zone(quantity, zone, cut_off)
        for zone in ZONES
        if zone in zones
        for quantity in quantities_of(side, zones[zone], 0.0, segmentation.definition, reasons)
        if quantity.name is not Name.LUNG_VOLUME
    ]


def _of_zone(quantity: Quantity, zone: Zone, cut_off: tuple[Reason, ...]) -> Quantity:
    refused_by = tuple(dict.fromkeys((*quantity.refused_by, *cut_off)))
    return replace(
        quantity,
        zone=zone.value,
        value=None if refused_by else quantity.value,
        parameters=("zone=third of the lung's height", *quantity.parameters),
        refused_by=refused_by,
    )
