"""The contours as an RT Structure Set (PS3.3 A.19): for viewers and planning systems that show no segmentation.

Every contour is CLOSED_PLANAR on one source slice; holes are keyholes. Nothing is called a target or is approved:
that is a person's decision (standards 1.6).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from node.errors import OurMistake
from node.report import wording
from node.report.contours import keyholes
from node.report.document import Reference
from node.report.kinds import RTSTRUCT
from node.report.masks import Masks
from node.report.segments import Tracked, rgb
from node.report.source import Source
from node.report.stamp import Job
from node.report.uids import DETACHED_STUDY, RT_STRUCTURE_SET
from node.segment.contract import SegmentKind

_LONGEST_VALUE = 65534  # bytes of a DS in explicit VR: its length has 16 bits
_LUNGS = (SegmentKind.RIGHT_LUNG, SegmentKind.LEFT_LUNG)


def build_rtstruct(
    tracked: Sequence[Tracked], masks: Masks, source: Source, job: Job, predecessor: Reference | None = None
) -> Dataset:
    """Build the object, but for what `stamp` writes."""
    target = Dataset()
    target.SOPClassUID, target.SOPInstanceUID = RT_STRUCTURE_SET, job.instance_uid(RTSTRUCT)
    target.SeriesInstanceUID = job.series_uid(RTSTRUCT)
    target.StructureSetLabel = "LUNGNODE_AI"
    target.StructureSetDescription = wording.NOT_FOR_DIAGNOSIS
    target.StructureSetDate = job.local_time.strftime("%Y%m%d")
    target.StructureSetTime = job.local_time.strftime("%H%M%S.%f")
    target.OperatorsName = ""  # Type 2
    target.FrameOfReferenceUID = source.first.geometry.frame_of_reference_uid
    target.PositionReferenceIndicator = str(source.header.get("PositionReferenceIndicator") or "")
    target.ReferencedFrameOfReferenceSequence = [_referenced(source)]
    target.StructureSetROISequence = [_roi(t, source) for t in tracked]
    target.ROIContourSequence = [_contours(t, masks, source) for t in tracked]
    target.RTROIObservationsSequence = [_observation(t) for t in tracked]
    target.ApprovalStatus = "UNAPPROVED"
    if predecessor is not None:
        target.PredecessorStructureSetSequence = [_instance(predecessor.sop_class_uid, predecessor.sop_instance_uid)]
    return target


def _referenced(source: Source) -> Dataset:
    """Name frame, study, series and all slices: viewers find the series by them."""
    series = Dataset()
    series.SeriesInstanceUID = source.first.series_instance_uid
    series.ContourImageSequence = [_instance(*instance) for instance in source.instances]
    study = _instance(DETACHED_STUDY, source.first.study_instance_uid)
    study.RTReferencedSeriesSequence = [series]
    frame = Dataset()
    frame.FrameOfReferenceUID = source.first.geometry.frame_of_reference_uid
    frame.RTReferencedStudySequence = [study]
    return frame


def _roi(tracked: Tracked, source: Source) -> Dataset:
    item = Dataset()
    item.ROINumber = tracked.number
    item.ReferencedFrameOfReferenceUID = source.first.geometry.frame_of_reference_uid
    item.ROIName = tracked.label
    if tracked.doubt:
        item.ROIDescription = tracked.doubt
    item.ROIGenerationAlgorithm = "AUTOMATIC"
    item.ROIGenerationDescription = f"{tracked.model.name} {tracked.model.version} (AI)"[:64]
    return item


def _observation(tracked: Tracked) -> Dataset:
    item = Dataset()
    item.ObservationNumber = item.ReferencedROINumber = tracked.number
    item.RTROIInterpretedType = "ORGAN" if tracked.segment.kind in _LUNGS else ""
    item.ROIInterpreter = ""  # Type 2; no person did
    return item


def _contours(tracked: Tracked, masks: Masks, source: Source) -> Dataset:
    item = Dataset()
    item.ReferencedROINumber = tracked.number
    item.ROIDisplayColor = list(rgb(tracked))
    item.ContourSequence = [
        _contour(loop, z, source) for z, mask_yx in masks.planes(tracked) for loop in keyholes(mask_yx)
    ]
    return item


def _contour(loop: NDArray[np.float64], z: int, source: Source) -> Dataset:
    """Return one contour in the patient's space."""
    item = Dataset()
    frame = source.frames[z]
    image = _instance(frame.sop_class_uid, frame.sop_instance_uid)
    if source.is_multiframe:
        image.ReferencedFrameNumber = frame.frame_number
    item.ContourImageSequence = [image]
    item.ContourGeometricType = "CLOSED_PLANAR"
    item.NumberOfContourPoints = len(loop)
    data = _encoded(points_lps_mm(loop, z, source))
    item[Tag("ContourData")] = RawDataElement(Tag("ContourData"), "DS", len(data), data, 0, False, True)
    return item


def points_lps_mm(loop_yx: NDArray[np.float64], z: int, source: Source) -> NDArray[np.float64]:
    """Return (n, 3) points from (row, column) indices on a slice, by the source's own position and orientation."""
    down_mm, across_mm = source.spacing_yx_mm
    along_row, along_column = np.array(source.orientation[:3]), np.array(source.orientation[3:])
    points: NDArray[np.float64] = (
        np.array(source.positions_lps_mm[z])
        + loop_yx[:, 1:] * across_mm * along_row
        + loop_yx[:, :1] * down_mm * along_column
    )
    return points


def _encoded(points_mm: NDArray[np.float64]) -> bytes:
    """Return the values with as many decimals as fit into one element: four, or fewer for very long contours."""
    for decimals in (4, 3, 2, 1):
        text = "\\".join(f"{value + 0.0:.{decimals}f}" for value in points_mm.reshape(-1).tolist())
        if len(text) <= _LONGEST_VALUE:
            return (text + " " * (len(text) % 2)).encode()
    raise OurMistake("RT-CONTOUR", f"a contour of {len(points_mm)} points does not fit into one element")


def _instance(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class_uid
    item.ReferencedSOPInstanceUID = sop_instance_uid
    return item
