"""The table of errors on analytic solids: it is what the code gives, and every error is below one voxel."""

import re
from pathlib import Path

import pytest

from node.bench.lesion_error import LATTICES, Lattice, Solid, errors, row, solids

PAGE = Path(__file__).resolve().parents[3] / "docs" / "measurements.md"
BALL, *_, ELLIPSOID, BOX = solids()


@pytest.mark.parametrize(
    ("solid", "lattice"),
    [(BALL, LATTICES[0]), (BALL, LATTICES[1]), (ELLIPSOID, LATTICES[2])],
    ids=["thin", "thick", "odd"],
)
def test_rows_of_the_page_are_what_the_code_gives(solid: Solid, lattice: Lattice):
    """Rebuild it with `python -m node.bench.measurement_page docs/measurements.md`."""
    assert row(solid, lattice) in PAGE.read_text(encoding="utf-8").splitlines()


def test_the_page_holds_every_solid_on_every_grid():
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"| {grid.name} | {solid.name} |" in text for grid in LATTICES for solid in solids())
    section = text.partition("## Lesion measures on analytic solids")[2]
    assert len(re.findall(r"^\|", section, re.MULTILINE)) == len(LATTICES) * len(solids()) + 2 + 2 + 7


@pytest.mark.parametrize("lattice", LATTICES, ids=[lattice.name for lattice in LATTICES])
@pytest.mark.parametrize("solid", [BALL, ELLIPSOID, BOX], ids=["ball", "ellipsoid", "box"])
def test_every_length_is_within_one_voxel(solid: Solid, lattice: Lattice):
    dz, dy, dx = lattice.spacing_zyx_mm
    pixel, voxel = (dy**2 + dx**2) ** 0.5, (dz**2 + dy**2 + dx**2) ** 0.5  # along the diagonal, as the lines lie
    limits = {
        "long axis": pixel,
        "short axis": pixel,
        "mean diameter": pixel,
        "longest MPR line": voxel,
        "3D Feret": voxel,
    }
    for error in errors(solid, lattice, 12):
        if error.measure in limits:
            assert error.largest < limits[error.measure], error
