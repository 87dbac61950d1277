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
    counts: Counter[str] = Counter()
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


def _table(is_array: bool, parts: list[str], counts: Counter[str]) -> Path:
    """Return the path of a table; the first part may be an array of tables."""
    name = parts[0]
    if is_array:
        counts[name] += 1
    if not counts[name]:
        return tuple(parts)
    return (name, counts[name] - 1, *parts[1:])
