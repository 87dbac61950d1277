"""The page of measurements: no number is missing, and its cells are what the code gives."""

import re
from pathlib import Path

import pytest

from node.bench.lesion_error import LATTICES
from node.bench.measurement_page import lung_cells, measured_cells, page
from node.bench.measurement_table import rows
from node.bench.other_error import cell, diameter_change_mm, doubling_time_percent, lung_errors, uptake_errors
from node.errors import Code
from node.measure.pet.uptake_quantity import Statistic
from node.measure.quantity import Name
from node.report import codes
from node.report.lesion_measured import LESION_MEASURED, LesionName
from node.report.measured import MEASURED

PAGE = Path(__file__).resolve().parents[2] / "docs" / "measurements.md"


@pytest.fixture(scope="module")
def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def row_of(text: str, name: str) -> str:
    (found,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` ")]
    return found


def test_every_number_of_the_reports_has_a_row(text: str):
    for name in (*Name, *LesionName, *Statistic):
        assert row_of(text, name.value)


@pytest.mark.parametrize("name", [*Name, *LesionName])
def test_a_row_has_the_code_under_which_the_number_is_written(name: Name | LesionName, text: str):
    how = MEASURED[name] if isinstance(name, Name) else LESION_MEASURED[name]
    for code in (how.concept, how.method, how.derivation):
        assert code is None or code.value in row_of(text, name.value)


def test_every_code_that_a_row_names_exists(text: str):
    known = {code.value for code in Code} | {code.value for code in codes.PRIVATE_CODES}
    table = text.split("\n## ", maxsplit=1)[0]
    named = set(re.findall(r"\b(?:ACQ|GEO|HU|SEG|PT|REG|PRIOR|LN)-[A-Z0-9]+(?:-[A-Z0-9]+)?\b", table))
    assert named - known - {"LN-M-MTV41"} == set()


def test_the_cells_of_growth_are_what_the_code_gives(text: str):
    """Rebuild the page with `python -m node.bench.measurement_page docs/measurements.md`."""
    assert cell(diameter_change_mm(LATTICES[0])) in row_of(text, "diameter_change")
    assert cell(doubling_time_percent(LATTICES[0])) in row_of(text, "doubling_time")


def test_the_cells_of_the_lungs_are_what_the_code_gives_and_small(text: str):
    cells = lung_cells()
    assert cells["volume"] in row_of(text, "lung_volume")
    assert cells["perc15"] in row_of(text, "perc15")
    found = lung_errors()
    assert abs(found["right volume, %"]) < 1.0
    assert abs(found["left volume, %"]) < 1.0


def test_a_hot_ball_is_measured_within_three_per_cent():
    found = uptake_errors(6)
    assert abs(found["SUVpeak"]).max() < 1e-3
    assert abs(found["MTV 41 %"]).max() < 3.0


def test_the_page_is_written_from_its_parts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("node.bench.lesion_error.LATTICES", LATTICES[:1])
    made = page(1)
    assert made.startswith("# Measurements")
    assert made.count("\n| `") == sum(1 for _ in rows(measured_cells(1)))
    assert made.count("| ball") == 3
