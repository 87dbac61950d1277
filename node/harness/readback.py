"""What a reader finds in the archive: the node's objects of a study, and the numbers that stand in its report.

Nothing is taken from the node itself, so what is shown is what was stored.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from time import monotonic, sleep

from pydicom import Dataset, dcmread

from node.errors import Code
from node.harness.orthanc import OrthancSite
from node.report import codes
from node.report.kinds import NOTICE, SEG, SR

POLL_S = 0.2
AS_PEOPLE_SAY = {codes.HU.value: "HU", codes.CM3.value: "ml"}  # UCUM's own words are for programs


@dataclass(frozen=True, slots=True)
class Found:
    """The node's objects of one study, as Part 10 files; None where there is none (yet)."""

    seg: bytes | None = None
    report: bytes | None = None
    notice: bytes | None = None

    @property
    def complete(self) -> bool:
        """Whether a reader has all there will be: numbers with their masks, or why there are none."""
        return self.notice is not None or (self.seg is not None and self.report is not None)


@dataclass(frozen=True, slots=True)
class Row:
    """One number of a report, in the report's own words."""

    what: str
    where: str
    value: float
    unit: str
    partial: bool = False  # the report warns that the lungs are cut off: a volume is a lower bound


def wait_for_results(
    orthanc: OrthancSite, study_instance_uid: str, *, limit_s: float, on_wait: Callable[[], None]
) -> Found:
    """Look into the archive until the node's objects are there or the time is up.

    Parameters
    ----------
    on_wait : called with every look; may raise to end the waiting.
    """
    end = monotonic() + limit_s
    found = find_results(orthanc, study_instance_uid)
    while not found.complete and monotonic() < end:
        on_wait()
        sleep(POLL_S)
        found = find_results(orthanc, study_instance_uid)
    return found


def find_results(orthanc: OrthancSite, study_instance_uid: str) -> Found:
    """Return what the archive holds of the node's for a study; the latest where there are several."""
    files: dict[str, bytes] = {}
    for study in orthanc.rest("POST", "/tools/lookup", study_instance_uid.encode()):
        for series in orthanc.rest("GET", f"/studies/{study['ID']}/series"):
            description = series["MainDicomTags"].get("SeriesDescription", "")
            for kind in (SEG, SR, NOTICE):
                if description.startswith(kind.description):
                    files[kind.description] = orthanc.file(series["Instances"][0])
    return Found(files.get(SEG.description), files.get(SR.description), files.get(NOTICE.description))


def read_rows(report: bytes) -> tuple[Row, ...]:
    """Return the numbers of a TID 1500 report in its order."""
    root = dcmread(BytesIO(report))
    return tuple(row for group in _walk(root, codes.MEASUREMENT_GROUP.value) for row in _rows(group))


def read_comments(report: bytes) -> tuple[str, ...]:
    """Return the sentences of a report or notice, each once: warnings, reasons, what it is not for."""
    root = dcmread(BytesIO(report))
    texts = [str(item.TextValue) for item in _walk(root, codes.COMMENT.value) if "TextValue" in item]
    return tuple(dict.fromkeys(texts))


def _walk(item: Dataset, code_value: str) -> Iterator[Dataset]:
    for child in item.get("ContentSequence", ()):
        if _code(child) == code_value:
            yield child
        yield from _walk(child, code_value)


def _rows(group: Dataset) -> Iterator[Row]:
    where = next((str(i.TextValue) for i in group.ContentSequence if _code(i) == codes.TRACKING_IDENTIFIER.value), "")
    cut_off = any(_says(item, Code.GEO_PARTIAL) for item in group.ContentSequence)
    for item in group.ContentSequence:
        if item.ValueType == "NUM":
            measured = item.MeasuredValueSequence[0]
            unit = str(measured.MeasurementUnitsCodeSequence[0].CodeValue)
            value, partial = float(measured.NumericValue), cut_off and _code(item) == codes.VOLUME.value
            yield Row(_what(item), where, value, AS_PEOPLE_SAY.get(unit, unit), partial)


def _what(number: Dataset) -> str:
    """Return the concept's meaning, with the derivation where there is one ("Attenuation Coefficient, mean")."""
    meaning = str(number.ConceptNameCodeSequence[0].CodeMeaning)
    for child in number.get("ContentSequence", ()):
        if _code(child) == codes.DERIVATION.value:
            return f"{meaning}, {str(child.ConceptCodeSequence[0].CodeMeaning).lower()}"
    return meaning


def _says(item: Dataset, code: Code) -> bool:
    values = item.get("ConceptCodeSequence")
    return _code(item) == codes.WARNING.value and bool(values) and values[0].CodeValue == code


def _code(item: Dataset) -> str:
    names = item.get("ConceptNameCodeSequence")
    return str(names[0].CodeValue) if names else ""
