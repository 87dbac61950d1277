"""The measurement groups of the zones of the lungs: TID 1501, side and zone in the site (standards 2.1 and 2.5).

A zone has a group only where it has a number: what withholds all of them stands in the groups of the lungs.
"""

from collections.abc import Iterable, Sequence

from highdicom.sr import ContentItem

from node.measure.lesions.location import Zone
from node.measure.quantity import Quantity, Side
from node.report import codes, tree
from node.report.groups import lung_head, lung_numbers
from node.report.source import Source
from node.report.stamp import Job
from node.report.statements import algorithm
from node.segment.contract import Segmentation

ZONE_CODES = {Zone.UPPER: codes.UPPER_ZONE, Zone.MIDDLE: codes.MIDDLE_ZONE, Zone.LOWER: codes.LOWER_ZONE}
_NAMES = {Side.RIGHT: "Right lung", Side.LEFT: "Left lung", Side.BOTH: "Both lungs"}


def zone_groups(
    segmentation: Segmentation, quantities: Iterable[Quantity], slices: Sequence[int], source: Source, job: Job
) -> list[ContentItem]:
    """Return one group for each zone of each side that has a number.

    Parameters
    ----------
    slices : those that hold any lung
    """
    given = [q for q in quantities if q.zone is not None and q.value is not None]
    places = dict.fromkeys((q.side, Zone(q.zone or "")) for q in given)
    return [
        _group(
            [q for q in given if (q.side, q.zone) == (side, zone.value)], side, zone, segmentation, slices, source, job
        )
        for side, zone in places
    ]


def _group(
    quantities: Sequence[Quantity],
    side: Side,
    zone: Zone,
    segmentation: Segmentation,
    slices: Sequence[int],
    source: Source,
    job: Job,
) -> ContentItem:
    uid = job.identity.tracking_uid(source.first.series_instance_uid, f"{side.value}-lung/{zone.value}")
    children = [
        *lung_head(f"{_NAMES[side]}, {zone.value} zone", uid, side, ZONE_CODES[zone]),
        *algorithm(segmentation.models, job.equipment.manufacturer),
        *lung_numbers(quantities, job.equipment.software_version),
        *tree.images(codes.SOURCE, source, [_middle(slices, zone, source)]),
    ]
    return tree.container(codes.MEASUREMENT_GROUP, children, template="1501")


def _middle(slices: Sequence[int], zone: Zone, source: Source) -> int:
    """Return the slice in the middle of the zone, to name one image and not hundreds."""
    upwards = sorted(slices, key=lambda z: source.positions_lps_mm[z][2])
    share = {Zone.LOWER: 1, Zone.MIDDLE: 3, Zone.UPPER: 5}[zone]
    return upwards[len(upwards) * share // 6]
