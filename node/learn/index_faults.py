"""What keeps an index from being read, line by line: columns, parts, numbers and ids."""

import math
from collections.abc import Iterator, Mapping, Sequence

SPLITS = ("train", "val", "test")
_NEEDED = ("case", "split", "label")
_NUMBERS = (
    "hu_slope", "hu_intercept", "pixel_mm", "slice_mm", "z_index", "width", "height", "depth", "tile", "lung_px",
    "tumour_px",
)  # fmt: skip
_POSITIVE = frozenset({"pixel_mm", "slice_mm", "width", "height", "depth"})
_OF_CUBES = ("width", "height", "hu_slope", "hu_intercept", "spacing_mm")  # read as numbers where there is a depth

Line = Mapping[str, str]


def faults_of_header(columns: Sequence[str]) -> Iterator[str]:
    """Yield the columns that are missing."""
    if not columns:
        yield "it is empty: its first line names the columns"
    elif missing := [name for name in _NEEDED if name not in columns]:
        told = ", ".join(columns[:5])
        yield f"no column {', '.join(missing)}; it begins with {told} (columns are parted by commas)"


def faults_of_line(line: Line) -> Iterator[str]:
    """Yield what is wrong with one line: (column, value) and what is wanted there."""
    if not line["case"]:
        yield "case is empty: it names the patient"
    if line["split"] not in SPLITS:
        yield f"split {line['split']!r} is none of {', '.join(SPLITS)}"
    for name in _NUMBERS:
        value = line.get(name, "")
        if value and not _is_number(value, positive=name in _POSITIVE):
            yield f"{name} {value!r} is no {'positive ' if name in _POSITIVE else ''}number"
    if bool(line.get("hu_slope")) != bool(line.get("hu_intercept")):
        yield "of hu_slope and hu_intercept one is empty: HU = hu_slope * grey level + hu_intercept"
    if line.get("depth") and not all(line.get(name) for name in _OF_CUBES):
        yield f"a cube, which has a depth, needs {', '.join(_OF_CUBES)}, too"


def _is_number(text: str, *, positive: bool) -> bool:
    try:
        value = float(text)
    except ValueError:
        return False
    return math.isfinite(value) and (value > 0.0 or not positive)
