"""The lesions' part of the self-check: every number of the report against the decoded masks and the measurements.

Volumes, attenuation, diameters and axes are computed again from the masks, plainly and not with the code of
`measure`; the rest (mesh, distances) is compared with what was measured.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.errors import OurMistake
from node.measure.lesions.before import Before
from node.measure.lesions.growth import Growth
from node.measure.lesions.values import LesionMeasurements
from node.report.decode import DecodedSeg
from node.report.lesion_measured import LesionName, lesion_values, size_values
from node.report.plain_axes import PlainAxes, longest_in_planes_mm, plain_axes
from node.report.report_numbers import ReportedGroup, ReportedLine
from node.volume.volume import Volume

_RELATIVE_TOLERANCE = 1e-6
_DRAWN_MM = 1e-3  # coordinates are written in single precision
_PERPENDICULAR = 1e-3

Mask = NDArray[np.bool_]
Box = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True)
class _Part:
    """The mask of a segment within the box round it."""

    box: Box
    mask_zyx: Mask


def same_lesions(
    groups: Sequence[ReportedGroup],
    decoded: DecodedSeg | None,
    volume: Volume,
    lesions: Iterable[LesionMeasurements],
) -> None:
    """Compare the groups of lesions with what was measured and with the decoded masks.

    Raises
    ------
    OurMistake
        SELF-CHECK, with what differs.
    """
    lesions = tuple(lesions)
    expected = _expected(lesions)
    before = {lesion.name: lesion.compared for lesion in lesions}
    with_segment = [group for group in groups if group.segment_number is not None]
    drawn = [group for group in groups if group.segment_number is None]
    reported = {(g.tracking_id, name) for g in with_segment for name in g.lesion_values}
    solid_is_left_out = decoded is not None and not decoded.over
    wanted = {(who, name) for who, values in expected.items() for name in values}
    if solid_is_left_out and not any(who.endswith("-solid") for who, _ in reported):
        wanted = {(who, name) for who, name in wanted if not who.endswith("-solid")}
    _require(reported == wanted, f"numbers missing in or added to the report: {_listed(reported ^ wanted)}")
    numbered = [group for group in with_segment if group.lesion_values]
    parts = _parts([g.segment_number for g in numbered if g.segment_number is not None], decoded)
    axes: dict[str, PlainAxes] = {}
    for group in numbered:
        part = parts[group.segment_number or 0]
        axes[group.tracking_uid] = plain_axes(part.mask_zyx, volume.spacing_zyx_mm, _first(part.box))
        _same_values(group, expected[group.tracking_id], part, axes[group.tracking_uid], volume)
        _same_doubling(group, part, before.get(group.tracking_id), volume)
    with_axes = [g for g in numbered if not _is_solid(g) and LesionName.LONG_AXIS in g.lesion_values]
    _require(
        {g.tracking_uid for g in drawn} == {g.tracking_uid for g in with_axes},
        "not every measured lesion has its axes drawn, or others have",
    )
    for group in drawn:
        _same_lines(group, axes[group.tracking_uid], volume)


def _expected(lesions: Iterable[LesionMeasurements]) -> dict[str, dict[LesionName, float]]:
    expected: dict[str, dict[LesionName, float]] = {}
    for lesion in lesions:
        expected[lesion.name] = lesion_values(lesion)
        if lesion.solid is not None:
            expected[f"{lesion.name}-solid"] = size_values(lesion.solid)
    return expected


def _is_solid(group: ReportedGroup) -> bool:
    return group.tracking_id.endswith("-solid")


def _parts(numbers: Sequence[int], decoded: DecodedSeg | None) -> dict[int, _Part]:
    """Return the mask of each segment in the box round it: a whole grid for each would fill the memory."""
    if not numbers:
        return {}
    if decoded is None:
        raise OurMistake("SELF-CHECK", "the report has lesions but there is no segmentation")
    boxes = dict(enumerate(ndimage.find_objects(decoded.numbers_zyx), start=1))
    parts: dict[int, _Part] = {}
    for number in numbers:
        over = decoded.over.get(number, {})
        box = _box_of(over) if over else boxes.get(number)
        if box is None:
            raise OurMistake("SELF-CHECK", f"segment {number} of the report has no voxels")
        mask_zyx: Mask = decoded.numbers_zyx[box] == number
        for z, plane in over.items():
            mask_zyx[z - box[0].start] |= plane[box[1:]]
        parts[number] = _Part(box, mask_zyx)
    return parts


def _box_of(planes: dict[int, Mask]) -> Box:
    """Return the box round planes of a mask."""
    found = np.any(list(planes.values()), axis=0)
    rows, columns = np.nonzero(found.any(axis=1))[0], np.nonzero(found.any(axis=0))[0]
    return (
        slice(min(planes), max(planes) + 1),
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(columns[0]), int(columns[-1]) + 1),
    )


def _first(box: Box) -> tuple[int, int, int]:
    z, y, x = (int(s.start) for s in box)
    return z, y, x


def _same_values(
    group: ReportedGroup, expected: dict[LesionName, float], part: _Part, axes: PlainAxes, volume: Volume
) -> None:
    again = expected | _computed(part, axes, volume)
    for name, value in group.lesion_values.items():
        _close(value, expected[name], f"{group.tracking_id}/{name} was measured as")
        _close(value, again[name], f"{group.tracking_id}/{name} from the SEG is")


def _same_doubling(group: ReportedGroup, part: _Part, before: Before | None, volume: Volume) -> None:
    """A doubling time follows from the decoded mask, the prior's volume and the days between; else there is none."""
    reported = group.lesion_values.get(LesionName.DOUBLING_TIME)
    if reported is None:
        return
    growth = None if before is None else before.growth
    if before is None or before.volume_mm3 is None or not isinstance(growth, Growth):
        raise OurMistake("SELF-CHECK", f"{group.tracking_id} has a doubling time without a prior")
    mm3 = int(np.count_nonzero(part.mask_zyx)) * volume.voxel_ml * 1000.0
    again = growth.days / np.log2(mm3 / before.volume_mm3)
    _close(reported, float(again), f"the doubling time of {group.tracking_id} from the SEG is")


def _computed(part: _Part, axes: PlainAxes, volume: Volume) -> dict[LesionName, float]:
    hu = volume.hu_zyx[part.box][part.mask_zyx].astype(np.float64)
    mm3 = hu.size * volume.voxel_ml * 1000.0
    return {
        LesionName.VOXEL_VOLUME: mm3,
        LesionName.VOLUME: mm3,
        LesionName.MEAN_HU: float(hu.mean()),
        LesionName.SD_HU: float(np.sqrt(np.mean((hu - hu.mean()) ** 2))),
        LesionName.MINIMUM_HU: float(hu.min()),
        LesionName.MAXIMUM_HU: float(hu.max()),
        LesionName.LONG_AXIS: axes.long_mm,
        LesionName.SHORT_AXIS: axes.short_mm,
        LesionName.MEAN_DIAMETER: (axes.long_mm + axes.short_mm) / 2.0,
        LesionName.MPR_DIAMETER: longest_in_planes_mm(part.mask_zyx, volume.spacing_zyx_mm),
    }


def _same_lines(group: ReportedGroup, axes: PlainAxes, volume: Volume) -> None:
    """The drawn lines have the lengths that stand beside them, cross at a right angle, and lie on the right slice."""
    _require(set(group.lines) == {LesionName.LONG_AXIS, LesionName.SHORT_AXIS}, "an axis is not drawn")
    long, short = group.lines[LesionName.LONG_AXIS], group.lines[LesionName.SHORT_AXIS]
    for name, line in group.lines.items():
        length_mm = float(np.linalg.norm(_vector_mm(line, volume)))
        _close(length_mm, group.lesion_values[name], f"the drawn {name} of {group.tracking_id} is", _DRAWN_MM)
    _close(group.lesion_values[LesionName.LONG_AXIS], axes.long_mm, f"the long axis of {group.tracking_id} is")
    _close(group.lesion_values[LesionName.SHORT_AXIS], axes.short_mm, f"the short axis of {group.tracking_id} is")
    cosine = float(_vector_mm(long, volume) @ _vector_mm(short, volume)) / (axes.long_mm * max(axes.short_mm, 1e-9))
    _require(abs(cosine) < _PERPENDICULAR, f"the axes of {group.tracking_id} are not perpendicular")
    images = [(f.sop_instance_uid, f.frame_number) for f in volume.frames]
    for line in (long, short):
        on = (line.sop_instance_uid, line.frame_number)
        _require(on in images and images.index(on) in axes.slices, f"axes of {group.tracking_id} lie on a wrong image")
    ends_yx = [(y - 0.5, x - 0.5) for x, y in long.ends_xy]  # from the pixel's corner to its centre
    near = any(np.allclose(sorted(ends_yx), sorted(pair), atol=1e-3) for pair in axes.long_ends_yx)
    _require(near, f"the long axis of {group.tracking_id} does not end on its outline")


def _vector_mm(line: ReportedLine, volume: Volume) -> NDArray[np.float64]:
    (ax, ay), (bx, by) = line.ends_xy
    _, down_mm, across_mm = volume.spacing_zyx_mm
    return np.array([(bx - ax) * across_mm, (by - ay) * down_mm])


def _close(value: float, again: float, what: str, absolute: float = _RELATIVE_TOLERANCE) -> None:
    _require(
        bool(np.isclose(value, again, rtol=_RELATIVE_TOLERANCE, atol=absolute)),
        f"{what} {again:g}, but {value:g} in the report",
    )


def _listed(odd: Iterable[tuple[str, LesionName]]) -> str:
    return ", ".join(sorted(f"{who}/{name}" for who, name in odd))


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise OurMistake("SELF-CHECK", otherwise)
