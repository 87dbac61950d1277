"""The self-check before anything leaves: what others will read must be what was found (architecture, part 4).

The segmentation is decoded by another reader and compared voxel by voxel in patient space; every number of the
report is computed again from the decoded masks and the volume. A mismatch is our mistake: nothing is sent.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread

from node.errors import OurMistake
from node.measure.lesions.values import LesionMeasurements
from node.measure.quantity import Name, Quantity, Side
from node.report.check_lesions import same_lesions
from node.report.decode import DecodedSeg, decode_seg
from node.report.decode_labelmap import decode_labelmap
from node.report.encoded import EncodedObject
from node.report.report_numbers import ReportedGroup, read_groups
from node.report.uids import BASIC_TEXT_SR, LABEL_MAP_SEGMENTATION
from node.segment.contract import UNCERTAIN_LABEL, Segmentation, SegmentKind
from node.settings import Rung
from node.volume.volume import Volume

_RELATIVE_TOLERANCE = 1e-6
_LOWEST_HU = -32768
_SIDES = {SegmentKind.RIGHT_LUNG: Side.RIGHT, SegmentKind.LEFT_LUNG: Side.LEFT}

Histogram = NDArray[np.int64]
Region = tuple[Side, str | None]  # a side, and one of its zones or all of it


def self_check(
    objects: Iterable[EncodedObject],
    volume: Volume,
    segmentation: Segmentation,
    quantities: Sequence[Quantity],
    lesions: Sequence[LesionMeasurements] = (),
) -> None:
    """Compare segmentation and report as written with what they were made from.

    Parameters
    ----------
    lesions : as they were measured and given to the encoder.

    Raises
    ------
    OurMistake
        SELF-CHECK, with what differs.
    """
    made_of_ct = [made for made in objects if made.kind in (Rung.SEG, Rung.SR)]
    seg = next((made for made in made_of_ct if made.kind == Rung.SEG), None)
    decoded = None
    if seg is not None:
        labelled = seg.sop_class_uid == LABEL_MAP_SEGMENTATION
        decode = decode_labelmap if labelled else decode_seg
        decoded = decode(seg.path, volume.hu_zyx.shape, volume.lps_from_zyx)
        _same_masks(decoded, volume, segmentation, () if labelled else lesions)
    elif np.any(segmentation.labels_zyx):
        raise OurMistake("SELF-CHECK", "there are voxels but no segmentation was written")
    reports = (made for made in made_of_ct if made.kind == Rung.SR and made.sop_class_uid != BASIC_TEXT_SR)
    for report in reports:
        check_report(report.path, decoded, volume, segmentation, quantities, lesions)


def check_report(
    path: Path,
    decoded: DecodedSeg | None,
    volume: Volume,
    segmentation: Segmentation,
    quantities: Sequence[Quantity],
    lesions: Sequence[LesionMeasurements],
) -> None:
    """Compare a report with the masks that it refers to, decoded, and with what was measured.

    Raises
    ------
    OurMistake
        SELF-CHECK, with what differs.
    """
    groups = read_groups(dcmread(path))
    _same_numbers([g for g in groups if g.is_lung], decoded, volume, segmentation, quantities)
    for group in groups:
        _same_tracking(group, decoded)
    same_lesions([g for g in groups if not g.is_lung], decoded, volume, lesions)


def _same_masks(
    decoded: DecodedSeg, volume: Volume, segmentation: Segmentation, lesions: Sequence[LesionMeasurements]
) -> None:
    """Compare every voxel, and the source image that each frame names with the one at its place."""
    label_of = {segment.name: segment.label for segment in segmentation.segments}
    solids = {f"{lesion.name}-solid": lesion for lesion in lesions if lesion.solid is not None}
    number_to_label = np.zeros(256, np.uint8)
    for segment in decoded.segments:
        if segment.tracking_id != segment.label.removesuffix(UNCERTAIN_LABEL):
            raise OurMistake("SELF-CHECK", f"segment {segment.number} is not one of those found")
        if segment.tracking_id in solids:
            _same_solid(segment.number, decoded, segmentation, solids.pop(segment.tracking_id))
        elif segment.tracking_id in label_of:
            number_to_label[segment.number] = label_of[segment.tracking_id]
        else:
            raise OurMistake("SELF-CHECK", f"segment {segment.number} is not one of those found")
    if solids:
        raise OurMistake("SELF-CHECK", f"no segment was written for {', '.join(solids)}")
    renumbered = any(number_to_label[s.number] != s.number for s in decoded.segments)
    differing = 0
    for numbers_yx, labels_yx in zip(decoded.numbers_zyx, segmentation.labels_zyx, strict=True):
        read_yx = number_to_label[numbers_yx] if renumbered else numbers_yx
        differing += int(np.count_nonzero(read_yx != labels_yx))
    if differing:
        raise OurMistake("SELF-CHECK", f"{differing} voxels of the written segmentation differ", voxels=differing)
    for z, sop_instance_uid, frame_number in decoded.sources:
        frame = volume.frames[z]
        if (frame.sop_instance_uid, frame.frame_number) != (sop_instance_uid, frame_number):
            raise OurMistake("SELF-CHECK", f"a frame at slice {z} names another source image than the one there")


def _same_solid(number: int, decoded: DecodedSeg, segmentation: Segmentation, lesion: LesionMeasurements) -> None:
    """A solid component lies in its lesion and has as many voxels as were measured."""
    planes = decoded.over.get(number, {})
    n_inside = sum(int(np.count_nonzero(segmentation.labels_zyx[z][yx] == lesion.label)) for z, yx in planes.items())
    n_voxels = sum(int(np.count_nonzero(yx)) for yx in planes.values())
    if lesion.solid is None or not n_inside == n_voxels == lesion.solid.n_voxels:
        raise OurMistake("SELF-CHECK", f"the solid component of {lesion.name} is not the one that was measured")


def _same_numbers(
    groups: Sequence[ReportedGroup],
    decoded: DecodedSeg | None,
    volume: Volume,
    segmentation: Segmentation,
    quantities: Sequence[Quantity],
) -> None:
    """Compare the report's numbers with those computed again, and see that none is missing or added."""
    histograms = _histograms(decoded, volume, segmentation) if decoded is not None else {}
    expected = {(q.side, q.zone, q.name) for q in quantities if q.value is not None}
    reported = {(group.side, _zone_of(group), name) for group in groups for name in group.values}
    if reported != expected:
        odd = sorted("/".join(filter(None, place)) for place in reported ^ expected)
        raise OurMistake("SELF-CHECK", f"numbers missing in or added to the report: {', '.join(odd)}")
    for group in groups:
        if group.side is None:
            raise OurMistake("SELF-CHECK", "a lung has no side in the report")
        for name, value in group.values.items():
            again = _compute(name, histograms[group.side, _zone_of(group)], volume.voxel_ml)
            if not np.isclose(value, again, rtol=_RELATIVE_TOLERANCE, atol=_RELATIVE_TOLERANCE):
                raise OurMistake(
                    "SELF-CHECK", f"{group.side}/{name} is {value:g} in the report, {again:g} from the SEG"
                )


def _zone_of(group: ReportedGroup) -> str | None:
    return None if group.zone is None else group.zone.value


def _same_tracking(group: ReportedGroup, decoded: DecodedSeg | None) -> None:
    """A group that points to a segment carries that segment's tracking identifiers."""
    if group.segment_number is None:
        return
    tracked = {s.number: (s.tracking_id, s.tracking_uid) for s in decoded.segments} if decoded is not None else {}
    if tracked.get(group.segment_number) != (group.tracking_id, group.tracking_uid):
        raise OurMistake("SELF-CHECK", f"tracking of {group.side} differs between SEG and SR")


def _histograms(decoded: DecodedSeg, volume: Volume, segmentation: Segmentation) -> dict[Region, Histogram]:
    """Return how often each Hounsfield value occurs in each lung, each of its zones, and both, from decoded masks."""
    kind_of = {segment.name: segment.kind for segment in segmentation.segments}
    counted: dict[Region, Histogram] = {}
    for segment in decoded.segments:
        side = _SIDES.get(kind_of.get(segment.label, SegmentKind.LESION))
        if side is not None:
            for zone, counts in _count(decoded.numbers_zyx, segment.number, volume).items():
                counted[side, zone] = counts
                counted[Side.BOTH, zone] = counted.get((Side.BOTH, zone), 0) + counts
    return counted


def _count(numbers_zyx: NDArray[np.uint8], number: int, volume: Volume) -> dict[str | None, Histogram]:
    """Count a segment's values as a whole and by thirds of its height; not with the code of `measure`."""
    occupied = [z for z, numbers_yx in enumerate(numbers_zyx) if np.any(numbers_yx == number)]
    if not occupied:
        return {}
    n = occupied[-1] - occupied[0] + 1
    names = ("lower", "middle", "upper") if volume.lps_from_zyx[2, 0] >= 0 else ("upper", "middle", "lower")
    zones: dict[str | None, Histogram] = {None: np.zeros(65536, np.int64)}
    for z in occupied:
        hu = volume.hu_zyx[z][numbers_zyx[z] == number].astype(np.int32)
        counts = np.bincount(hu - _LOWEST_HU, minlength=65536)
        third = names[3 * (2 * (z - occupied[0]) + 1) // (2 * n)]
        zones[None] = zones[None] + counts
        zones[third] = zones.get(third, 0) + counts
    return zones


def _compute(name: Name, counts: Histogram, voxel_ml: float) -> float:
    """Compute one quantity from its definition (standards 2.1); not with the code of `measure`."""
    hu = np.arange(_LOWEST_HU, -_LOWEST_HU, dtype=np.float64)
    n = int(counts.sum())
    mean_hu = float(counts @ hu) / n
    return {
        Name.LUNG_VOLUME: n * voxel_ml,
        Name.MEAN_LUNG_DENSITY: mean_hu,
        Name.SD_LUNG_DENSITY: float(np.sqrt(counts @ (hu - mean_hu) ** 2 / n)),
        Name.LAA_950: 100.0 * float(counts[hu <= -950].sum()) / n,
        Name.LAA_910: 100.0 * float(counts[hu <= -910].sum()) / n,
        Name.PERC15: _percentile(counts, hu, 0.15),
        Name.PD15: _percentile(counts, hu, 0.15) + 1000.0,
    }[name]


def _percentile(counts: Histogram, hu: NDArray[np.float64], fraction: float) -> float:
    """Return the percentile by linear interpolation between order statistics."""
    rank = fraction * (int(counts.sum()) - 1)
    below = int(rank)
    up_to = np.cumsum(counts)
    low, high = (
        float(hu[np.searchsorted(up_to, k, side="right")]) for k in (below, min(below + 1, int(up_to[-1]) - 1))
    )
    return low + (high - low) * (rank - below)
