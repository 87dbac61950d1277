"""A picture as a Secondary Capture image (PS3.3 A.8.1): single frame, RGB, drawn on the workstation.

It carries no frame of reference: its pixels no longer lie on those of the slice, and no viewer must think so.
"""

from collections.abc import Sequence

import numpy as np
from highdicom.sr.coding import CodedConcept
from PIL import Image
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from node.report import codes
from node.report.kinds import Kind
from node.report.stamp import Job
from node.report.uids import SECONDARY_CAPTURE

_DERIVATION = "Slices drawn with segmentation outlines, axes and measured values (AI)"


def build_capture(
    picture: Image.Image,
    shown: Sequence[tuple[str, str, int | None]],
    kind: Kind,
    job: Job,
    number: int,
    derivation: str = _DERIVATION,
) -> Dataset:
    """Build the object, but for what `stamp` writes.

    Parameters
    ----------
    shown : (SOP class, SOP instance, frame number or None) of the images that the picture shows.
    number : of the instance in its series.
    """
    target = Dataset()
    target.SOPClassUID, target.SOPInstanceUID = SECONDARY_CAPTURE, job.instance_uid(kind, number)
    target.SeriesInstanceUID = job.series_uid(kind)
    target.ConversionType = "WSD"
    target.ImageType = ["DERIVED", "SECONDARY"]
    target.BurnedInAnnotation, target.RecognizableVisualFeatures = "YES", "NO"
    target.BodyPartExamined = "CHEST"
    target.PatientOrientation = ""  # Type 2C; a sheet of several pictures has none
    target.DerivationDescription = derivation
    if shown:
        target.SourceImageSequence = [_source(*image) for image in shown]
    target.SamplesPerPixel, target.PhotometricInterpretation, target.PlanarConfiguration = 3, "RGB", 0
    target.Columns, target.Rows = picture.size
    target.BitsAllocated, target.BitsStored, target.HighBit, target.PixelRepresentation = 8, 8, 7, 0
    pixels = np.asarray(picture.convert("RGB")).tobytes()
    target.add(DataElement("PixelData", "OB", pixels + b"\0" * (len(pixels) % 2)))
    return target


def _source(sop_class_uid: str, sop_instance_uid: str, frame_number: int | None) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class_uid, sop_instance_uid
    if frame_number is not None:
        item.ReferencedFrameNumber = frame_number
    item.PurposeOfReferenceCodeSequence = [CodedConcept.from_code(codes.SOURCE_FOR_PROCESSING)]
    return item
