"""The page `docs/measurements.md`: every number that leaves, what it is, how far off it is on phantoms, when refused.

    python -m node.bench.measurement_page docs/measurements.md

Takes a minute or two. A test makes some of its cells again, and another sees that no number of the report is missing.
"""

import sys
from pathlib import Path

from node.bench.lesion_error import LATTICES, SHIFTS, errors, section, solids
from node.bench.measurement_table import Row, rows
from node.bench.other_error import cell, diameter_change_mm, doubling_time_percent, lung_errors, uptake_errors

_BALL = solids()[1]  # 10 mm


def measured_cells(n_shifts: int = SHIFTS) -> dict[str, str]:
    """Measure everything that the table quotes."""
    thin = LATTICES[0]
    cells = {
        error.measure: f"{error.bias:+.2f} ± {error.spread:.2f} ({error.largest:.2f})"
        for error in errors(_BALL, thin, n_shifts)
    }
    cells["doubling time"] = cell(doubling_time_percent(thin, n_shifts))
    cells["diameter change"] = cell(diameter_change_mm(thin, n_shifts))
    cells |= {name: cell(values) for name, values in uptake_errors(n_shifts).items()}
    return cells | lung_cells()


def lung_cells() -> dict[str, str]:
    """Measure the lungs of the phantom."""
    found = lung_errors()

    def both(what: str, unit: str) -> str:
        return f"{found[f'right {what}']:+.2f} right, {found[f'left {what}']:+.2f} left {unit}"

    return {
        "volume": both("volume, %", "%"),
        "mean": both("mean, HU", "HU"),
        "laa": both("LAA-950, points", "points of a per cent"),
        "perc15": both("Perc15, HU", "HU"),
    }


def page(n_shifts: int = SHIFTS) -> str:
    """Return the Markdown page."""
    table = [_line(row) for row in rows(measured_cells(n_shifts))]
    return _HEAD.format(n_shifts=n_shifts) + "\n".join(table) + "\n\n" + section(n_shifts)


def _line(row: Row) -> str:
    cells = (f"`{row.name}` {row.what}", row.definition, row.unit, row.code, row.source, row.error, row.refused)
    return f"| {' | '.join(cells)} |"


_HEAD = """# Measurements

Made by `python -m node.bench.measurement_page docs/measurements.md`; tests make cells again and see that none is
missing. Codes without a scheme are of 99LUNGNODE; [codes.md](codes.md) says what each refusing code means.

Errors are found minus true, bias ± standard deviation (largest): of lesions a 10 mm ball on a 0.7 × 0.7 × 1.0 mm grid
at {n_shifts} places within a voxel, of a PET a 30 mm ball on 4 × 4 × 3 mm, of lungs the thorax phantom with emphysema.
They are the errors of the conventions and of the rule-based lungs, on phantoms; those of a network stand in its card.

By our own rules every real CT of our test data is refused LAA, Perc15 and PD15 (contrast, or slices over 2.5 mm): their
proof is on phantoms alone. Growth is compared only with a prior whose Patient ID, issuer, birth date and sex are equal.

| measurement | definition | unit | code | source | error on phantoms | refused |
|---|---|---|---|---|---|---|
"""


def main() -> None:
    """Write the page to the path given as the only argument."""
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
