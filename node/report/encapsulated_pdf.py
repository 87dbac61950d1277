"""The PDF as a DICOM object (PS3.3 A.45.1)."""

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from node.report.kinds import PDF
from node.report.source import Source
from node.report.stamp import Job
from node.report.uids import ENCAPSULATED_PDF


def build_encapsulated_pdf(content: bytes, title: str, source: Source, job: Job) -> Dataset:
    """Build the object, but for what `stamp` writes; the document names no patient."""
    target = Dataset()
    target.SOPClassUID, target.SOPInstanceUID = ENCAPSULATED_PDF, job.instance_uid(PDF)
    target.SeriesInstanceUID = job.series_uid(PDF)
    target.ConversionType = "WSD"
    target.BurnedInAnnotation, target.RecognizableVisualFeatures = "NO", "NO"
    target.AcquisitionDateTime = ""  # Type 2
    target.DocumentTitle = title
    target.ConceptNameCodeSequence = DicomSequence()  # Type 2; not a diagnostic report
    target.VerificationFlag = "UNVERIFIED"
    target.SourceInstanceSequence = [_source(*instance) for instance in source.instances]
    target.MIMETypeOfEncapsulatedDocument = "application/pdf"
    target.EncapsulatedDocumentLength = len(content)
    target.add(DataElement("EncapsulatedDocument", "OB", content + b"\0" * (len(content) % 2)))
    return target


def _source(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class_uid, sop_instance_uid
    return item
