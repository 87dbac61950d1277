"""The whole report of one phantom as text: a change in any item shows as a line in the diff.

`LUNGNODE_GOLDEN=1 pytest tests/report/test_golden.py` writes the file anew; the diff is then to be reviewed.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset

from node.errors import Code, warn
from node.measure.quantity import Name
from node.report.encode import ReportInput, encode_results
from tests.report.conftest import CaseMaker, children, withheld
from tests.report.lesion_case import lesion_case

GOLDEN = Path(__file__).parent / "golden" / "report.txt"
LESIONS_GOLDEN = GOLDEN.with_name("lesions.txt")


def value_of(item: Dataset) -> str:
    match item.ValueType:
        case "CODE":
            code = item.ConceptCodeSequence[0]
            return f"({code.CodeValue}, {code.CodingSchemeDesignator}, {code.CodeMeaning})"
        case "NUM":
            measured = item.MeasuredValueSequence[0]
            return f"{float(measured.NumericValue):.6g} {measured.MeasurementUnitsCodeSequence[0].CodeValue}"
        case "TEXT":
            return str(item.TextValue)
        case "IMAGE":
            sop = item.ReferencedSOPSequence[0]
            return f"{sop.ReferencedSOPInstanceUID} segment {sop.get('ReferencedSegmentNumber', '-')}"
        case "UIDREF":
            return str(item.UID)
    return f"template {item.ContentTemplateSequence[0].TemplateIdentifier}" if "ContentTemplateSequence" in item else ""


def lines(item: Dataset, depth: int = 0) -> Iterator[str]:
    """Return one line per item, derived UIDs masked."""
    name = item.ConceptNameCodeSequence[0]
    relation = item.get("RelationshipType", "ROOT")
    drawn = " ".join(f"{value:.6g}" for value in item.GraphicData) if item.ValueType == "SCOORD" else ""
    shown = f"{relation} {item.ValueType} {name.CodeMeaning} [{name.CodeValue}] {value_of(item)}{drawn}"
    yield "  " * depth + re.sub(r"2\.25\.\d+", "2.25.*", shown).rstrip()
    for child in children(item):
        yield from lines(child, depth + 1)


def test_the_report_of_a_phantom_is_the_one_that_was_reviewed(maker: CaseMaker, out: Path) -> None:
    case = maker.case(unsure=("left to right is 0.2",), reasons=(warn(Code.HU_PAD, "63 % padding"),))
    case = maker.case(
        unsure=("left to right is 0.2",),
        reasons=(warn(Code.HU_PAD, "63 % padding"),),
        quantities=withheld(case.quantities, {Name.PERC15, Name.PD15}, Code.ACQ_DTHICK),
    )
    compare(case, out, GOLDEN)


def test_the_report_of_three_nodules_is_the_one_that_was_reviewed(maker: CaseMaker, out: Path) -> None:
    compare(lesion_case(maker), out, LESIONS_GOLDEN)


def compare(case: ReportInput, out: Path, golden: Path) -> None:
    made = "\n".join(lines(dcmread(encode_results(case, out)[1].path))) + "\n"
    if os.environ.get("LUNGNODE_GOLDEN") == "1":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(made, encoding="utf-8")
    assert made == golden.read_text(encoding="utf-8")
