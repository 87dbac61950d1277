"""The table of codes: complete, and the document that is made of it current."""

from pathlib import Path

import pytest

from node.errors import Code
from node.report import codes
from node.report.error_codes import error_codes_page
from node.report.reason_table import EXPLANATIONS, family

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_every_code_is_explained_and_no_other() -> None:
    assert set(EXPLANATIONS) == set(Code)


def test_codes_fit_into_a_code_value() -> None:
    assert all(len(code) <= 16 and code.isascii() for code in Code)
    assert all(len(coded.value) <= 16 and len(coded.meaning) <= 64 for coded in codes.PRIVATE_CODES)


@pytest.mark.parametrize("code", list(Code))
def test_each_code_has_scope_condition_and_family(code: Code) -> None:
    explained = EXPLANATIONS[code]
    assert explained.scope
    assert explained.condition
    assert family(code).scheme_designator == "DCM"


@pytest.mark.parametrize(
    ("code", "value"),
    [
        (Code.SYS_MODEL, "110501"),
        (Code.SYS_TIME, "110527"),
        (Code.SYS_INCOMPLETE, "110523"),
        (Code.GEO_GAP, "110523"),
        (Code.HU_UNITS, "110522"),
        (Code.GEO_DUP, "110521"),
        (Code.SEG_IMPLAUS, "110531"),
        (Code.LES_EMPTY, "110513"),
    ],
)
def test_families_are_those_of_the_standard(code: Code, value: str) -> None:
    assert family(code).value == value


def test_the_document_is_current() -> None:
    """Rebuild it with `python -m node.report.error_codes > docs/codes.md`."""
    assert (DOCS / "codes.md").read_text(encoding="utf-8") == error_codes_page()
