"""The index of a labelled set: which rows, of which patient, in which part, under which licence.

`case` is the patient and the unit of splitting. A set in which one case stands in two parts is refused whole: figures
from it would be worth nothing. Weights that are shipped learn from rows under the licences of `FREE` only.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from node.errors import InputRefused
from node.learn.index_faults import faults_of_header, faults_of_line

FREE = ("CC BY 3.0", "CC BY 4.0", "CC BY-SA 4.0", "CC BY-SA 3.0", "MIT", "BSD-3-Clause")
_MOST_FAULTS = 5  # that a text names


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an index, as it stands there. `root` is the folder of the index."""

    root: Path
    values: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values.get(column, "")

    @property
    def id(self) -> str:
        """The picture or volume; a volume's id is its case."""
        return self["id"] or self["case"]

    @property
    def case(self) -> str:
        """The patient."""
        return self["case"]

    @property
    def split(self) -> str:
        """One of train, val and test."""
        return self["split"]

    @property
    def is_free(self) -> bool:
        """Whether shipped weights may learn from it."""
        return is_free(self["licence"])


def is_free(licence: str) -> bool:
    """Tell whether shipped weights may learn from data under a licence. One of one part only does not count."""
    return licence in (*FREE, "BSD-3-Clause (repository)")


def read_index(root: Path, *, split: str | None = None, where: Iterable[str] = ()) -> tuple[Row, ...]:
    """Read the rows of `root/index.csv` of one part, narrowed by conditions (see `narrowed`).

    Raises
    ------
    InputRefused
        SET-UNREAD without an index, with an unknown column or with faults, which are named with their lines; SET-LEAK
        if a case stands in two parts.
    """
    rows = _rows_of(root)
    refuse_leakage(rows)
    rows = narrowed(rows, where)
    return tuple(row for row in rows if split is None or row.split == split)


def _rows_of(root: Path) -> tuple[Row, ...]:
    path = root / "index.csv"
    if not path.is_file():
        raise InputRefused("SET-UNREAD", f"{root} holds no index.csv")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            columns = list(reader.fieldnames or ())
            lines = [(reader.line_num, line) for line in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputRefused("SET-UNREAD", f"{path} is no CSV file in UTF-8: {error}; save it as one") from error
    faults = list(faults_of_header(columns)) or list(_faults(lines))
    if faults:
        more = f"; and {len(faults) - _MOST_FAULTS} more" if len(faults) > _MOST_FAULTS else ""
        raise InputRefused("SET-UNREAD", f"{path}: {'; '.join(faults[:_MOST_FAULTS])}{more}")
    return tuple(Row(root, line) for _, line in lines)


def _faults(lines: Sequence[tuple[int, dict[str, str]]]) -> Iterator[str]:
    """Yield the faults of all lines, and ids that stand twice: a picture is told apart by nothing else."""
    seen: set[str] = set()
    for number, line in lines:
        if None in line:
            yield f"line {number}: more values than columns"
            continue
        yield from (f"line {number}: {fault}" for fault in faults_of_line(line))
        name = line.get("id") or line["case"]
        if name in seen:
            yield f"line {number}: id {name!r} stands there twice"
        seen.add(name)


def narrowed(rows: Sequence[Row], where: Iterable[str]) -> tuple[Row, ...]:
    """Return the rows for which all conditions `column=value` or `column!=value` hold."""
    for condition in where:
        name, separator, value = condition.partition("=")
        column, equal = name.removesuffix("!"), not name.endswith("!")
        if not separator or (rows and column not in rows[0].values):
            raise InputRefused("SET-UNREAD", f"{condition!r}: want column=value with a column of the set's index")
        rows = [row for row in rows if (row[column] == value) is equal]
    return tuple(rows)


def refuse_leakage(rows: Sequence[Row]) -> None:
    """Raise InputRefused SET-LEAK if the rows of one case stand in more than one part."""
    parts: dict[str, set[str]] = {}
    for row in rows:
        parts.setdefault(row.case, set()).add(row.split)
    torn = sorted(case for case, found in parts.items() if len(found) > 1)
    if torn:
        raise InputRefused(
            "SET-LEAK", f"{len(torn)} cases stand in more than one part of the set: {', '.join(torn[:5])}"
        )


def refuse_unfree(rows: Sequence[Row]) -> None:
    """Raise InputRefused SET-LICENCE if shipped weights may not learn from one of the rows."""
    unfree = sorted({f"{row.case} ({row['licence'] or 'no licence stated'})" for row in rows if not row.is_free})
    if unfree:
        raise InputRefused(
            "SET-LICENCE",
            f"{len(unfree)} cases may not be learnt from for weights that are shipped: {', '.join(unfree[:5])}; "
            "say --any-licence for an experiment, whose weights are marked and never the default",
        )
