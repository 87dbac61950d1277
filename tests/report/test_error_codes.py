"""The table of codes: complete, and the document that is made of it current."""

import ast
from pathlib import Path

import pytest

from node.errors import Code
from node.report import codes
from node.report.error_codes import error_codes_page
from node.report.failure_table import FAILURES
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


CODED = {"InputRefused", "WorldUnavailable", "NotYetThere", "Misconfigured", "WrongUsage", "Alert"}


def codes_in_the_program() -> set[str]:
    """Every code that an exception, an alert or a line of the log carries, as text or by a constant's name."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (DOCS.parent / "node").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    constants = {
        node.targets[0].id: node.value.value
        for node in nodes
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    given: list[ast.expr] = []
    for call in (node for node in nodes if isinstance(node, ast.Call)):
        given += [word.value for word in call.keywords if word.arg == "code"]
        if isinstance(call.func, ast.Name) and call.func.id in CODED:
            given += call.args[:1]
    written = {one.value for one in given if isinstance(one, ast.Constant)}
    named = {constants.get(one.id) for one in given if isinstance(one, ast.Name)}
    return {code for code in written | named if isinstance(code, str)}


def test_every_failure_of_the_program_stands_in_the_table_and_no_other() -> None:
    reasons = {code.value for code in Code}
    assert codes_in_the_program() - reasons == set(FAILURES)
    assert not reasons & set(FAILURES)
    assert max(len(code) for code in FAILURES) <= 16


@pytest.mark.parametrize("code", ["DLV-DEAD", "DLV-AUTH", "JOB-DONE", "JOB-NOTHING", "CFG-DATABASE", "USAGE"])
def test_the_page_and_the_change_log_know_the_newer_failures(code: str) -> None:
    assert f"| `{code}` |" in (DOCS / "codes.md").read_text(encoding="utf-8")
    assert code in (DOCS.parent / "CHANGELOG.md").read_text(encoding="utf-8")
