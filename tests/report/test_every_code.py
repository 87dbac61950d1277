"""Every code of a reason is expected by some test of the room that gives it (the codes that need none are named)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.errors import Code

TESTS = Path(__file__).resolve().parents[1]
# the standard's own exemptions: off by default, or replaced by what routing says before
EXEMPT = {Code.ACQ_MOTION, Code.HU_SC, Code.HU_DERIVED}
MAKERS = {"refuse", "warn", "Reason", "withheld"}  # a code in their arguments is what a test gives, not what it expects
ELSEWHERE = ("report", "watch", "bench", "learn")  # they are handed reasons, and give none


def expected_in(path: Path) -> set[Code]:
    """Return the codes that a file of tests names outside of what it makes itself; what is compared is expected."""
    return set(_named(ast.parse(path.read_text(encoding="utf-8")), compared=False))


def _named(node: ast.AST, *, compared: bool) -> Iterator[Code]:
    if isinstance(node, ast.Call) and _name(node.func) in MAKERS and not compared:
        return
    if isinstance(node, ast.Attribute) and node.attr in Code.__members__ and _name(node.value) == "Code":
        yield Code[node.attr]
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in set(Code):
        yield Code(node.value)
    for child in ast.iter_child_nodes(node):
        yield from _named(child, compared=compared or isinstance(node, ast.Compare))


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


@pytest.fixture(scope="module")
def expected() -> set[Code]:
    rooms = [path for path in TESTS.rglob("test_*.py") if path.relative_to(TESTS).parts[0] not in ELSEWHERE]
    return {code for path in rooms for code in expected_in(path)}


@pytest.mark.parametrize("code", [code for code in Code if code not in EXEMPT])
def test_a_test_expects_the_code(code: Code, expected: set[Code]) -> None:
    """`pytest -p tests.provoked_codes` says which codes a run of tests really made the node give."""
    assert code in expected


def test_what_a_test_makes_itself_is_not_expected(tmp_path: Path) -> None:
    file = tmp_path / "test_x.py"
    file.write_text("a = refuse(Code.GEO_GAP, 'x')\nassert f() == warn(Code.GEO_TILT, 'y')\nassert 'HU-PAD' in g()\n")
    assert expected_in(file) == {Code.GEO_TILT, Code.HU_PAD}
