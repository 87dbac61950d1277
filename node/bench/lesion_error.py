"""How far lesion measures are from the truth on analytic solids, over sub-voxel shifts: for `docs/measurements.md`.

Every solid is put onto every grid at the same 60 places within a voxel; the table gives the mean error (bias), its
standard deviation over the places and the largest error. Nothing in it depends on the machine.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, pi, radians, sin

import numpy as np
from numpy.typing import NDArray

from node.measure.lesions.size import Size, measure_size
from node.phantom.grid import AXIAL, Grid, grid_at
from node.phantom.render import mask_of
from node.phantom.shapes import Box, Ellipsoid, Shape, sphere

SHIFTS = 60
MEASURES = (
    "long axis", "short axis", "mean diameter", "longest MPR line", "3D Feret", "voxel volume", "mesh volume",
)  # fmt: skip
_MARGIN_MM = 4.0
_CENTRE = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Solid:
    """A solid and what is true of it; None where the truth depends on how slices cut it (oblique grids)."""

    name: str
    shape: Shape
    reach_mm: float
    long_mm: float
    short_mm: float | None
    longest_mm: float
    feret_mm: float
    volume_mm3: float


@dataclass(frozen=True, slots=True)
class Lattice:
    """A grid of the table."""

    name: str
    spacing_zyx_mm: tuple[float, float, float]
    tilt_degrees: float = 0.0

    def at(self, shift_mm: NDArray[np.float64], reach_mm: float) -> Grid:
        """Lay it round the origin, shifted."""
        tilt = radians(self.tilt_degrees)
        orientation = (cos(tilt), 0.0, sin(tilt), 0.0, 1.0, 0.0) if self.tilt_degrees else AXIAL
        z, y, x = (int(2.0 * (reach_mm + _MARGIN_MM) / mm) + 1 for mm in self.spacing_zyx_mm)
        return grid_at(shift_mm.tolist(), (z, y, x), self.spacing_zyx_mm, orientation)


LATTICES = (
    Lattice("0.7 × 0.7 × 1.0 mm", (1.0, 0.7, 0.7)),
    Lattice("0.7 × 0.7 × 2.5 mm", (2.5, 0.7, 0.7)),
    Lattice("0.6 × 0.9 × 1.5 mm", (1.5, 0.9, 0.6)),
    Lattice("0.7 × 0.7 × 1.0 mm, oblique 8°", (1.0, 0.7, 0.7), 8.0),
)


def solids() -> tuple[Solid, ...]:
    """Return the solids of the table."""
    balls = [
        Solid(f"ball {d:g} mm", sphere(_CENTRE, d), d / 2.0, d, d, d, d, pi * d**3 / 6.0) for d in (6.0, 10.0, 20.0)
    ]
    ellipsoid = Ellipsoid(_CENTRE, (12.0, 8.0, 10.0))
    box = Box((-10.0, -6.0, -4.0), (10.0, 6.0, 4.0))
    return (
        *balls,
        Solid("ellipsoid 24 × 16 × 20 mm", ellipsoid, 12.0, 24.0, 16.0, 24.0, 24.0, 4.0 * pi * 12.0 * 8.0 * 10.0 / 3.0),
        Solid("box 20 × 12 × 8 mm", box, 12.0, 544.0**0.5, None, 544.0**0.5, 608.0**0.5, 1920.0),
    )


@dataclass(frozen=True, slots=True)
class Error:
    """Over the shifts; in mm, of volumes in per cent."""

    measure: str
    bias: float
    spread: float
    largest: float


def errors(solid: Solid, lattice: Lattice, n_shifts: int = SHIFTS) -> tuple[Error, ...]:
    """Measure one solid on one grid at `n_shifts` places within a voxel."""
    rng = np.random.default_rng(2024)
    sizes: list[Size] = []
    for shift in rng.uniform(-0.5, 0.5, (n_shifts, 3)):
        grid = lattice.at(shift * lattice.spacing_zyx_mm[::-1], solid.reach_mm)
        sizes.append(measure_size(mask_of(grid, solid.shape), grid.lps_from_zyx))
    return tuple(_errors(solid, sizes, is_oblique=lattice.tilt_degrees != 0.0))


def _errors(solid: Solid, sizes: list[Size], *, is_oblique: bool) -> Iterator[Error]:
    is_ball = solid.name.startswith("ball")
    if is_ball or not is_oblique:
        yield _error("long axis", [s.axes.long_mm for s in sizes], solid.long_mm)
        if solid.short_mm is not None:
            yield _error("short axis", [s.axes.short_mm for s in sizes], solid.short_mm)
            mean_mm = (solid.long_mm + solid.short_mm) / 2.0
            yield _error("mean diameter", [s.mean_diameter_mm for s in sizes], mean_mm)
        yield _error("longest MPR line", [s.longest.length_mm for s in sizes], solid.longest_mm)
    yield _error("3D Feret", [s.shape.feret_mm for s in sizes], solid.feret_mm)
    yield _error("voxel volume", [s.volume_mm3 for s in sizes], solid.volume_mm3, is_relative=True)
    yield _error("mesh volume", [s.shape.mesh_volume_mm3 for s in sizes], solid.volume_mm3, is_relative=True)


def _error(measure: str, values: list[float], truth: float, *, is_relative: bool = False) -> Error:
    off = np.array(values) - truth
    if is_relative:
        off *= 100.0 / truth
    return Error(measure, float(off.mean()), float(off.std()), float(np.abs(off).max()))


def row(solid: Solid, lattice: Lattice, n_shifts: int = SHIFTS) -> str:
    """Return one line of the table; a dash where there is no truth to compare with."""
    found = {error.measure: error for error in errors(solid, lattice, n_shifts)}
    cells = [_cell(found.get(measure)) for measure in MEASURES]
    return f"| {lattice.name} | {solid.name} | {' | '.join(cells)} |"


def _cell(error: Error | None) -> str:
    return "–" if error is None else f"{error.bias:+.2f} ± {error.spread:.2f} ({error.largest:.2f})"


def section(n_shifts: int = SHIFTS) -> str:
    """Return the section of the page."""
    head = ("grid", "solid", *(f"{measure}, {'%' if 'volume' in measure else 'mm'}" for measure in MEASURES))
    rows = [row(solid, lattice, n_shifts) for lattice in LATTICES for solid in solids()]
    lines = [_HEAD.format(n_shifts=n_shifts), f"| {' | '.join(head)} |", "|---" * len(head) + "|", *rows]
    return "\n".join(lines) + "\n"


_CONVENTIONS = (
    (
        "outline in a plane",
        "hull of the midpoints of the set pixels' edges: one pixel is one pixel long. On discs of 6 to 40 pixels this "
        "is 0.5 to 0.8 pixel too long; nothing is subtracted",
    ),
    ("long axis", "greatest distance in one part (connected over edges and corners) of one acquired slice"),
    (
        "short axis",
        "longest chord of that outline, exactly perpendicular to the long axis; of equally long axes the one with the "
        "longest short axis counts; where over a tenth of it, "
        "and over two pixels, would hang outside a curved lesion, the longest chord that lies in it",
    ),
    (
        "longest MPR line",
        "as the long axis, over the grid's axial, coronal and sagittal planes. Between slices a pixel is as long as "
        "the slice step, so thick slices lengthen it: sizes nearer to a cut-off than one step are called borderline",
    ),
    (
        "mesh",
        "marching cubes at 0.5 in mm, its cases derived instead of typed: set voxels that meet only across a face's "
        "diagonal stay apart, and loops of more than three crossings are fans round their centroid. The digital "
        "phantom of IBSI is met; area is 1 to 2 % under that of other implementations",
    ),
    ("3D Feret", "greatest distance between two vertices of the mesh"),
    ("sphericity", "0.92 for a digitised ball, whose surface is stepped; over 1.05 it is refused"),
)

_HEAD = (
    """## Lesion measures on analytic solids

Each solid lies at {n_shifts} random places within a voxel. Masks hold the voxels whose centres lie inside, so these are
the errors of the conventions, not those of a segmentation. Stored numbers are not rounded.

| measure | convention |
|---|---|
"""
    + "".join(f"| {name} | {what} |\n" for name, what in _CONVENTIONS)
    + """
Cells are bias ± standard deviation over the places (largest error). Tilted planes cut solids other than balls in
another figure, so the oblique grid has none there; the short axis of the box has no simple truth.
"""
)
