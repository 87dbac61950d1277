"""The request that a study was made for, as an SR document names it (0040,A370), where the source's header has one.

PS3.3 C.17.2: Study Instance UID and the Type 2 attributes are present, those that the source lacks are empty.
"""

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from node.report.ascii_text import ascii_text, one_value
from node.report.patient import is_decodable, read_text

_TEXTS = (
    "AccessionNumber", "PlacerOrderNumberImagingServiceRequest", "FillerOrderNumberImagingServiceRequest",
    "RequestedProcedureID", "RequestedProcedureDescription",
)  # fmt: skip
_CODE = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")


def referenced_requests(header: Dataset) -> list[Dataset]:
    """Return one item per item of the source's Request Attributes Sequence (0040,0275)."""
    return [_request(header, item) for item in header.get("RequestAttributesSequence") or ()]


def _request(header: Dataset, item: Dataset) -> Dataset:
    request = Dataset()
    request.StudyInstanceUID = header.StudyInstanceUID
    request.ReferencedStudySequence = DicomSequence()
    for keyword in _TEXTS:
        text = read_text(item, keyword, header) or (read_text(header, keyword) if keyword == "AccessionNumber" else "")
        setattr(request, keyword, one_value(text if is_decodable(header) else ascii_text(text)))
    codes = [_copied(code) for code in item.get("RequestedProcedureCodeSequence") or () if _is_whole(code)]
    request.RequestedProcedureCodeSequence = DicomSequence(codes)
    return request


def _is_whole(code: Dataset) -> bool:
    """Say whether the code has its Type 1 attributes; a broken one would make our object invalid."""
    return all(str(code.get(keyword) or "") for keyword in _CODE)


def _copied(code: Dataset) -> Dataset:
    copy = Dataset()
    for keyword in _CODE:
        setattr(copy, keyword, str(code[keyword].value))
    return copy
