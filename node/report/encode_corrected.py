"""The report on a segmentation that a reader saved: our numbers, the reader's segments, and whose they are said to be.

No segmentation is written: the reader's own is referred to. Its segments keep their numbers, so a viewer finds them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydicom.dataset import Dataset

from node.report import codes, tree
from node.report.case import ReportInput, prepare
from node.report.document import Reference
from node.report.encode import verbatim
from node.report.encoded import EncodedObject, finish
from node.report.kinds import SR
from node.report.sr import Findings, build_report
from node.report.sr_class import class_of


@dataclass(frozen=True, slots=True)
class ReadersSegmentation:
    """The object that was measured: `numbers` are its segments by label of our map; `saved_at` YYYYMMDDHHMMSS or ""."""

    reference: Reference
    numbers: Mapping[int, int]
    reader: str
    saved_at: str

    @property
    def statement(self) -> str:
        """What the report says of it; a name in a file is no signature."""
        who = self.reader.replace("^", " ").strip() or "a reader who is not named"
        date = self.saved_at[:8]
        when = f" on {date[:4]}-{date[4:6]}-{date[6:]}" if len(date) == 8 else ""
        return f"Measured by software on a segmentation saved by {who}{when}; the name is not authenticated"


def encode_corrected(case: ReportInput, readers: ReadersSegmentation, out_dir: Path) -> EncodedObject:
    """Write the report.

    Raises
    ------
    OurMistake
        NO-MODEL or SOURCE-GEOMETRY where earlier rooms handed over what cannot be.
    InputRefused
        FILE-UNREAD where a source's header is gone.
    """
    with verbatim():
        prepared = prepare(case, readers.numbers)
        job = replace(prepared.job, models=())  # no algorithm of ours drew anything
        findings = Findings(case.segmentation, prepared.tracked, prepared.frames, case.quantities, case.reasons)
        report = build_report(
            findings,
            prepared.source,
            job,
            seg=readers.reference,
            predecessor=case.run.superseded_report(()),
            sop_class=class_of(case.objects),
            editable=case.objects.ohif_hydrate,
        )
        _say(report, readers.statement)
        return finish(report, SR, job, out_dir)


def _say(report: Dataset, statement: str) -> None:
    """Add the statement to every group but those that hold drawn axes."""
    measurements = report.ContentSequence[-1]
    for group in measurements.ContentSequence:
        if not any(_is_drawn(item) for item in group.ContentSequence):
            group.ContentSequence.append(tree.text(tree.CONTAINS, codes.COMMENT, statement))


def _is_drawn(item: Dataset) -> bool:
    """Whether an item of a group is a measurement with coordinates, as an axis is."""
    return any(child.ValueType == "SCOORD" for child in item.get("ContentSequence", ()) if item.ValueType == "NUM")
