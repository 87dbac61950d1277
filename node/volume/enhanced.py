"""Frames of Enhanced CT and Legacy Converted Enhanced CT: each with its own place and rescale.

PS3.3 C.7.6.16: a functional group stands in the shared or in the per-frame sequence; the frame's own comes first.
"""

from dataclasses import replace
from typing import Any

from pydicom.dataset import Dataset

from node.errors import Code, InputRefused
from node.facts.header import UNREADABLE, source_dataset
from node.facts.instance import GeometryFacts, PixelFacts, thickness_mm
from node.facts.series import InstanceFile
from node.volume.frame import Frame


def enhanced_frames(file: InstanceFile) -> tuple[Frame, ...]:
    """Return the frames of one enhanced object.

    Raises
    ------
    InputRefused
        FILE-UNREAD if the header cannot be parsed, PIX-TRUNC if the functional groups are not one per frame.
    """
    try:
        dataset = source_dataset(file.path)
        shared = _first(dataset, "SharedFunctionalGroupsSequence")
        per_frame = list(dataset.get("PerFrameFunctionalGroupsSequence") or [])
        n_frames = file.facts.number_of_frames
        if len(per_frame) != n_frames:
            raise InputRefused(
                Code.PIX_TRUNC, f"an enhanced object names {n_frames} frames and describes {len(per_frame)} of them"
            )
        return tuple(_frame(file, i, item, shared) for i, item in enumerate(per_frame, start=1))
    except UNREADABLE as error:
        raise InputRefused(Code.FILE_UNREAD, "the functional groups of an enhanced object cannot be read") from error


def _frame(file: InstanceFile, number: int, own: Dataset, shared: Dataset) -> Frame:
    facts = file.facts
    content = _group(own, shared, "FrameContentSequence")
    frame_type = _group(own, shared, "CTImageFrameTypeSequence").get("FrameType")
    return Frame(
        file=file,
        number=number,
        geometry=_geometry(facts.geometry, own, shared),
        pixels=_pixels(facts.pixels, own, shared),
        image_type=tuple(str(value) for value in frame_type) if frame_type else facts.image_type,
        temporal_position=_integer(content, "TemporalPositionIndex"),
        acquisition_number=_integer(content, "FrameAcquisitionNumber"),
        acquisition_datetime=str(content.get("FrameAcquisitionDateTime") or facts.acquisition_datetime),
    )


def _geometry(top: GeometryFacts, own: Dataset, shared: Dataset) -> GeometryFacts:
    measures = _group(own, shared, "PixelMeasuresSequence")
    position = _numbers(_group(own, shared, "PlanePositionSequence"), "ImagePositionPatient", 3)
    orientation = _numbers(_group(own, shared, "PlaneOrientationSequence"), "ImageOrientationPatient", 6)
    spacing = _numbers(measures, "PixelSpacing", 2)
    thickness = _numbers(measures, "SliceThickness", 1)
    return replace(
        top,
        image_position_lps_mm=None if position is None else (position[0], position[1], position[2]),
        image_orientation=None if orientation is None else _six(orientation),
        pixel_spacing_yx_mm=None if spacing is None else (spacing[0], spacing[1]),
        slice_thickness_mm=thickness_mm(thickness[0] if thickness else None),
    )


def _six(values: list[float]) -> tuple[float, float, float, float, float, float]:
    a, b, c, d, e, f = values
    return (a, b, c, d, e, f)


def _pixels(top: PixelFacts, own: Dataset, shared: Dataset) -> PixelFacts:
    transform = _group(own, shared, "PixelValueTransformationSequence")
    slope, intercept = _numbers(transform, "RescaleSlope", 1), _numbers(transform, "RescaleIntercept", 1)
    return replace(
        top,
        rescale_slope=None if slope is None else slope[0],
        rescale_intercept=None if intercept is None else intercept[0],
        rescale_type=str(transform.get("RescaleType") or ""),
    )


def _group(own: Dataset, shared: Dataset, keyword: str) -> Dataset:
    """Return the frame's item of a functional group, else the shared one, else an empty data set."""
    found = _first(own, keyword)
    return found if len(found) else _first(shared, keyword)


def _first(dataset: Dataset, keyword: str) -> Dataset:
    sequence = dataset.get(keyword)
    return sequence[0] if sequence else Dataset()


def _numbers(item: Dataset, keyword: str, n: int) -> list[float] | None:
    """Return n numbers; a value that is absent, of another length or no number counts as missing."""
    try:
        value: Any = item.get(keyword)
        values = [float(v) for v in ([value] if n == 1 else value)]
    except (TypeError, ValueError):
        return None
    return values if len(values) == n else None


def _integer(item: Dataset, keyword: str) -> int | None:
    found = _numbers(item, keyword, 1)
    return None if found is None else int(found[0])
