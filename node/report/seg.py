"""The BINARY segmentation object (PS3.3 A.51): one source series, one instance, frames on source slices only."""

from collections.abc import Mapping, Sequence

import numpy as np
from highdicom.content import PixelMeasuresSequence, PlaneOrientationSequence
from highdicom.seg import Segmentation as SegmentationObject
from highdicom.seg import SegmentationTypeValues
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from pydicom.valuerep import DSfloat

from node.report.kinds import PET_SEG, SEG, Kind
from node.report.seg_frames import Frame, pack, per_frame_groups
from node.report.segments import Tracked, describe
from node.report.solid_part import SolidPart
from node.report.source import Source
from node.report.stamp import Job
from node.report.uids import CT_IMAGE
from node.route.case import MODEL_NAME
from node.segment.contract import SegmentKind
from node.settings import Rung

_CONTENT_LABELS = {Rung.SEG: "LUNGNODE_SEG", Rung.PET_SEG: "LUNGNODE_PET_SEG"}  # CS: 16 characters at most


def build_seg(
    labels_zyx: NDArray[np.uint8],
    tracked: Sequence[Tracked],
    frames: Sequence[Frame],
    source: Source,
    job: Job,
    solids: Mapping[int, SolidPart] | None = None,
    kind: Kind = SEG,
) -> Dataset:
    """Build the object, but for what `stamp` writes.

    Parameters
    ----------
    labels_zyx : (slices, rows, columns) uint8, the source's grid.
    tracked : the segments, numbered from 1 in the order of the object; each has voxels.
    frames : those with voxels, in the order of the object.
    solids : solid components, by their lesion's label; each overlaps its lesion.
    kind : that of a CT or of a PET.
    """
    target = shell(labels_zyx.shape, tracked, source, job, SegmentationTypeValues.BINARY, kind)
    if any(frame.is_solid_component for frame in frames):
        target.SegmentsOverlap = "YES"
    target.NumberOfFrames = len(frames)
    groups = per_frame_groups(frames, source)
    target[groups.tag] = groups
    target.add(DataElement("PixelData", "OB", pack(labels_zyx, frames, solids)))
    finish_seg(target, source)
    return target


def finish_seg(target: Dataset, source: Source) -> None:
    """Write what a BINARY and a LABELMAP object have in common beside the shell."""
    target.ReferencedSeriesSequence = [_referenced_series(source)]
    target.BodyPartExamined = "CHEST"
    target.ContentCreatorName = ""  # Type 2; no person made it
    name_lossy(target, source)


def shell(
    shape: tuple[int, ...],
    tracked: Sequence[Tracked],
    source: Source,
    job: Job,
    segmentation_type: SegmentationTypeValues,
    kind: Kind = SEG,
) -> Dataset:
    """Let highdicom build and check everything but the frames, on a stand-in image that holds one voxel per segment."""
    _, rows, columns = shape
    marks = np.zeros((1, rows, columns), np.uint8)
    marks.reshape(-1)[: len(tracked)] = [t.number for t in tracked]
    made = SegmentationObject(
        source_images=[_stand_in(source, rows, columns)],
        pixel_array=marks,
        segmentation_type=segmentation_type,
        segment_descriptions=[describe(t, job.equipment.manufacturer) for t in tracked],
        series_instance_uid=job.series_uid(kind),
        series_number=job.series_number(kind),
        sop_instance_uid=job.instance_uid(kind),
        instance_number=1,
        manufacturer=job.equipment.manufacturer,
        manufacturer_model_name=MODEL_NAME,
        software_versions=job.equipment.software_version,
        device_serial_number=job.equipment.serial_number,
        content_label=_CONTENT_LABELS[kind.rung],
        content_description=_description(tracked, kind),
        pixel_measures=_pixel_measures(source),
        plane_orientation=PlaneOrientationSequence("PATIENT", list(source.orientation)),
    )
    target = Dataset()
    for element in made.elements():
        target[element.tag] = element
    # highdicom derives the spacing of the planes it was given: it saw one, and writes 1 mm
    shared = target.SharedFunctionalGroupsSequence[0]
    shared.PixelMeasuresSequence = _pixel_measures(source)
    if "SegmentIdentificationSequence" in shared:
        del shared.SegmentIdentificationSequence  # of a single segment it stands here; ours stand in the frames
    del target.SourceImageSequence  # it names the stand-in alone; frames and Referenced Series name all
    organization = job.identity.uid("dimension-organization", *(() if kind is SEG else (kind.rung.value,)))
    target.DimensionOrganizationSequence[0].DimensionOrganizationUID = organization
    for index in target.DimensionIndexSequence:
        index.DimensionOrganizationUID = organization
    return target


def _description(tracked: Sequence[Tracked], kind: Kind) -> str:
    if kind is PET_SEG:
        return "Lesions in the PET, 41 % of SUVmax (AI)"
    lesions = any(t.segment.kind is SegmentKind.LESION for t in tracked)
    return "Lung and lesion segmentation (AI)" if lesions else "Lung segmentation (AI)"


def _pixel_measures(source: Source) -> PixelMeasuresSequence:
    """Return spacing and thickness; an unknown thickness is the step (Type 1C in a volume of slices)."""
    spacing_yx_mm = [DSfloat(value, auto_format=True) for value in source.spacing_yx_mm]
    step_mm = DSfloat(source.slice_step_mm, auto_format=True)
    thickness_mm = DSfloat(source.slice_thickness_mm or source.slice_step_mm, auto_format=True)
    return PixelMeasuresSequence(spacing_yx_mm, thickness_mm, step_mm)


def _stand_in(source: Source, rows: int, columns: int) -> Dataset:
    """Return one plain CT header with the source's geometry; patient and study are stamped later."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID, image.SOPInstanceUID = CT_IMAGE, source.frames[0].sop_instance_uid
    image.StudyInstanceUID = source.first.study_instance_uid
    image.SeriesInstanceUID = source.first.series_instance_uid
    image.FrameOfReferenceUID = source.first.geometry.frame_of_reference_uid
    image.PositionReferenceIndicator = str(source.header.get("PositionReferenceIndicator") or "")
    image.Modality = "CT"
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID"):
        setattr(image, keyword, "")
    image.StudyDate = image.StudyTime = ""
    image.Rows, image.Columns = rows, columns
    image.PixelSpacing = list(source.spacing_yx_mm)
    image.SliceThickness = source.slice_step_mm
    image.ImageOrientationPatient = list(source.orientation)
    image.ImagePositionPatient = list(source.positions_lps_mm[0])
    return image


def _referenced_series(source: Source) -> Dataset:
    """Return the one source series with all its used instances (0008,1115): without it viewers drop the object."""
    item = Dataset()
    item.SeriesInstanceUID = source.first.series_instance_uid
    item.ReferencedInstanceSequence = [_reference(*instance) for instance in source.instances]
    return item


def _reference(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class_uid
    item.ReferencedSOPInstanceUID = sop_instance_uid
    return item


def name_lossy(target: Dataset, source: Source) -> None:
    """Say whether any source image was compressed with loss (0028,2110); segmenting itself is not lossy."""
    target.LossyImageCompression = "00" if source.lossy is None else "01"
    if source.lossy is not None:
        target.LossyImageCompressionRatio = [DSfloat(ratio, auto_format=True) for ratio in source.lossy.ratio]
        target.LossyImageCompressionMethod = list(source.lossy.method)
