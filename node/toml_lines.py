"""On which line of a TOML file a key stands: the standard library's parser does not say.

A scan of table headers and of keys at the beginning of lines; keys inside inline tables are found at the line of the
table. A file that does not parse never comes here.
"""

import re
from collections import Counter

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_\-\"'.]+)\s*=")

Path = tuple[str | int, ...]


def lines_of(text: str) -> dict[Path, int]:
    """Map key paths to line numbers from 1; tables of an array are numbered from 0: ("route", 1, "name")."""
    found: dict[Path, int] = {}
    counts: Counter[Path] = Counter()
    table: Path = ()
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        if header:
            table = _table(header[1] == "[[", _parts(header[2]), counts)
            found.setdefault(table, number)
            continue
        key = _KEY.match(line)
        if key:
            path = table
            for part in _parts(key[1]):
                path = (*path, part)
                found.setdefault(path, number)
    return found


def line_of(path: Path, lines: dict[Path, int]) -> int:
    """Return the line of the key, else of the nearest table around it, else 1."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 1


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]


def _table(is_array: bool, parts: list[str], counts: Counter[Path]) -> Path:
    """Return the path of a table; a table inside an array of tables belongs to the last one of the array."""
    path: Path = ()
    for part in parts[:-1]:
        path = _last((*path, part), counts)
    path = (*path, parts[-1])
    if is_array:
        counts[path] += 1
    return _last(path, counts)


def _last(path: Path, counts: Counter[Path]) -> Path:
    return (*path, counts[path] - 1) if counts[path] else path
