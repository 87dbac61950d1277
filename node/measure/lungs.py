"""Volume and density of the right lung, the left lung and both (standards reference, part 2.1).

    lung volume          voxels of the mask x volume of one voxel; both = left + right
    mean, SD             of the attenuation over the mask, vessels included
    LAA-950, LAA-910     percentage of voxels at or below the threshold
    Perc15               attenuation below which 15 % of the voxels lie, linear between order statistics
    PD15                 Perc15 + 1000, read as density in g/l; no adjustment for air or volume

Airways outside the mask are not counted. A number that would mislead is withheld with its reason: so are those of both
where there is one lung only, and the density of both where that of the smaller is withheld.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from node.errors import Affects, Code, Reason, refuse
from node.measure.histogram import Histogram, at_or_below_percent, histogram, mean_hu, percentile_hu, sd_hu
from node.measure.quantity import Name, Quantity, Side
from node.measure.withheld import withheld_by
from node.segment.contract import LungDefinition, Segmentation, SegmentKind
from node.volume.volume import Volume

ALGORITHM = "lung-histogram/1"  # stored with every result; raise it when any number can change

_SIDES = {SegmentKind.RIGHT_LUNG: Side.RIGHT, SegmentKind.LEFT_LUNG: Side.LEFT}
_LESIONS = {
    LungDefinition.WITHOUT_LESIONS: "excluded",
    LungDefinition.WITH_LESIONS: "included",
    LungDefinition.AERATED: "included where enclosed by lung, left out at wall and hilum",
    LungDefinition.AS_DRAWN: "excluded where a reader drew them, else as drawn",
}
_UNITS = {
    Name.LUNG_VOLUME: "ml",
    Name.MEAN_LUNG_DENSITY: "HU",
    Name.SD_LUNG_DENSITY: "HU",
    Name.LAA_950: "percent",
    Name.LAA_910: "percent",
    Name.PERC15: "HU",
    Name.PD15: "g/l",
}


def measure_lungs(volume: Volume, segmentation: Segmentation, reasons: tuple[Reason, ...]) -> tuple[Quantity, ...]:
    """Measure each lung that the segmentation has, and both together.

    Parameters
    ----------
    volume : what was segmented.
    segmentation : right lung, left lung or both; other segments are not lung.
    reasons : everything found about the series so far, which decides what is withheld.
    """
    regions = {
        _SIDES[segment.kind]: histogram(volume.hu_zyx[segmentation.labels_zyx == segment.label])
        for segment in segmentation.segments
        if segment.kind in _SIDES
    }
    regions = {side: region for side, region in regions.items() if region.n_voxels}
    if not regions:
        return ()
    volumes_ml = {side: region.n_voxels * volume.voxel_ml for side, region in regions.items()}
    both_ml = sum(volumes_ml.values())
    both = Histogram(np.sum([region.counts for region in regions.values()], axis=0))
    found: list[Quantity] = []
    for side, region in sorted(regions.items(), reverse=True):
        of_this_side = (*reasons, *reasons_of_side(side, volumes_ml, reasons))
        found += quantities_of(side, region, volumes_ml[side], segmentation.definition, of_this_side)
    of_both = (*reasons, *reasons_of_both(volumes_ml, reasons))
    return (*found, *quantities_of(Side.BOTH, both, both_ml, segmentation.definition, of_both))


def reasons_of_side(side: Side, sizes: Mapping[Side, float], reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """SEG-ASYM warns about the series and withholds the density of the smaller of two lungs."""
    if len(sizes) < 2 or side is not min(sizes, key=lambda each: sizes[each]):
        return ()
    return tuple(
        refuse(reason.code, reason.text, Affects.DENSITY, Affects.MEAN_DENSITY)
        for reason in reasons
        if reason.code is Code.SEG_ASYM
    )


def reasons_of_both(sizes: Mapping[Side, float], reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """One lung is not both: its numbers are no totals; what is withheld of one of two lungs is withheld of both."""
    if len(sizes) == 2:
        return tuple(reason for side in sizes for reason in reasons_of_side(side, sizes, reasons))
    codes = {reason.code for reason in reasons}
    text = "one lung was found: its numbers are not those of both"
    code = Code.GEO_PARTIAL if Code.GEO_PARTIAL in codes and Code.SEG_ASYM not in codes else Code.SEG_ASYM
    return (refuse(code, text, Affects.DENSITY, Affects.MEAN_DENSITY, Affects.VOLUMES),)


def quantities_of(
    side: Side, region: Histogram, volume_ml: float, definition: LungDefinition, reasons: Sequence[Reason]
) -> list[Quantity]:
    """Return every quantity of a region, with its value or what withholds it."""
    codes = {reason.code for reason in reasons}
    values = {
        Name.LUNG_VOLUME: volume_ml,
        Name.MEAN_LUNG_DENSITY: mean_hu(region),
        Name.SD_LUNG_DENSITY: sd_hu(region),
        Name.LAA_950: at_or_below_percent(region, -950),
        Name.LAA_910: at_or_below_percent(region, -910),
        Name.PERC15: percentile_hu(region, 15.0),
        Name.PD15: percentile_hu(region, 15.0) + 1000.0,
    }
    quantities = []
    for name, value in values.items():
        refused_by = withheld_by(name, reasons)
        quantities.append(
            Quantity(
                name=name,
                side=side,
                zone=None,
                value=None if refused_by else value,
                unit=_UNITS[name],
                definition=definition.value,
                algorithm=ALGORITHM,
                parameters=_parameters(name, definition, codes),
                refused_by=refused_by,
                partial=name is Name.LUNG_VOLUME and Code.GEO_PARTIAL in codes,
            )
        )
    return quantities


def _parameters(name: Name, definition: LungDefinition, codes: set[Code]) -> tuple[str, ...]:
    mask = ("vessels=included", f"lesions={_LESIONS[definition]}")
    if name is Name.LUNG_VOLUME:
        return ("airways=outside the mask", *mask)
    kernel = ("kernel=unknown",) if Code.ACQ_KERNUNK in codes else ()
    own = {
        Name.LAA_950: ("threshold=HU <= -950",),
        Name.LAA_910: ("threshold=HU <= -910",),
        Name.PERC15: ("percentile=15", "interpolation=linear"),
        Name.PD15: ("percentile=15", "interpolation=linear", "adjustment=no air or volume adjustment"),
    }
    return (*own.get(name, ()), *mask, *kernel)
