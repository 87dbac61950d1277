"""Routes from TOML: a closed vocabulary, parsed once, every fault with its line and a suggestion.

[[route]]
name = "thin-chest"             # required, unique
lungs = "default"               # a model's name, "default" (if installed), or "none"
lesions = "none"
priority = "off-peak"           # urgent, normal, off-peak
night = "20:00-06:00"           # when off-peak cases may start, local time
destinations = ["pacs"]         # absent: all
prefer = ["density", "thin", "soft"]   # how one of several reconstructions is chosen
pet = true                      # take the PET of the same frame of reference as partner
unknown = "leave"               # or "take": a condition cannot be decided because a tag is missing

[route.when]                    # all must hold; absent: every chest CT
called_ae = "LUNGNODE"
study_description = { contains = ["thorax", "chest"] }
thickness_mm = { at_most = 3.0 }
"""

import tomllib
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from node.did_you_mean import suggestion
from node.errors import Misconfigured
from node.route.conditions import Condition
from node.route.night import DEFAULT_NIGHT, Night
from node.route.route import DEFAULT_MODEL, DEFAULT_PREFERENCES, Route, Routes
from node.route.vocabulary import CLOSED, NUMBERS, TEXTS, Fact, Preference, Priority, Unknown
from node.toml_lines import Path as KeyPath
from node.toml_lines import line_of, lines_of

DEFAULT_ROUTES_TOML = """\
# The built-in route: every chest CT is analysed with everything whose models are installed.
[[route]]
name = "default"
lungs = "default"
lesions = "default"
"""

_Word = TypeVar("_Word", bound=StrEnum)

_KEYS = ("name", "lungs", "lesions", "priority", "night", "destinations", "prefer", "pet", "unknown", "when")
_WORD_OPERATORS = ("one_of", "none_of")
_TEXT_OPERATORS = ("one_of", "none_of", "contains", "contains_none")
_NUMBER_OPERATORS = ("at_least", "at_most")


def load_routes(path: Path | None) -> Routes:
    """Read the routes of a file; None gives the built-in default route.

    Raises
    ------
    Misconfigured
        CFG-ROUTES, with every fault on a line of its own: `file:line: what is wrong, did you mean ...?`
    """
    if path is None:
        return parse_routes(DEFAULT_ROUTES_TOML, "built-in")
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors write a mark of byte order first
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured("CFG-ROUTES", f"cannot read the routes file {path}: {error}") from error
    return parse_routes(text, str(path))


def parse_routes(text: str, source: str) -> Routes:
    """Parse the text of a routes file; `source` stands in messages."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured("CFG-ROUTES", f"{source} is not valid TOML: {error}") from error
    parser = _Parser(lines_of(text))
    routes = parser.routes(raw)
    if parser.faults:
        faults = "\n  ".join(f"{source}:{line}: {fault}" for line, fault in sorted(set(parser.faults)))
        raise Misconfigured("CFG-ROUTES", f"the routes are not valid:\n  {faults}")
    return Routes(routes, source)


class _Parser:
    """Holds the lines and gathers the faults, so that all are shown at once."""

    def __init__(self, lines: dict[KeyPath, int]) -> None:
        self._lines = lines
        self.faults: list[tuple[int, str]] = []

    def routes(self, raw: dict[str, Any]) -> tuple[Route, ...]:
        """Parse the whole file."""
        self._known_keys(raw, ("route",), ())
        tables = raw.get("route")
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables) or not tables:
            self._fault(("route",), "there is no route: write at least one [[route]] table")
            return ()
        routes = tuple(self._route(table, ("route", index)) for index, table in enumerate(tables))
        names: set[str] = set()
        for index, route in enumerate(routes):
            if route.name in names:
                self._fault(("route", index, "name"), f"the name {route.name!r} is taken by an earlier route")
            names.add(route.name)
        return routes

    def _route(self, table: dict[str, Any], at: KeyPath) -> Route:
        self._known_keys(table, _KEYS, at)
        name = self._text(table, "name", at, "")
        if not name:
            self._fault(at, "a route needs a name")
        lungs = self._text(table, "lungs", at, DEFAULT_MODEL)
        lesions = self._text(table, "lesions", at, DEFAULT_MODEL)
        if lungs == lesions == "none":
            self._fault(at, "the route asks for nothing: lungs and lesions are both 'none'")
        pet = table.get("pet", True)
        if not isinstance(pet, bool):
            self._fault((*at, "pet"), f"pet is true or false, not {pet!r}")
        destinations = table.get("destinations")
        return Route(
            name=name,
            lungs=None if lungs == "none" else lungs,
            lesions=None if lesions == "none" else lesions,
            conditions=self._conditions(table.get("when", {}), (*at, "when")),
            unknown=self._word(Unknown, table.get("unknown", Unknown.LEAVE), (*at, "unknown")),
            priority=self._word(Priority, table.get("priority", Priority.NORMAL), (*at, "priority")),
            night=self._night(table.get("night"), (*at, "night")),
            destinations=None if destinations is None else self._words(destinations, (*at, "destinations")),
            prefer=self._preferences(table.get("prefer"), (*at, "prefer")),
            pet=pet is True,
            line=line_of(at, self._lines),
        )

    def _conditions(self, table: Any, at: KeyPath) -> tuple[Condition, ...]:
        if not isinstance(table, dict):
            self._fault(at, "'when' is a table of conditions")
            return ()
        self._known_keys(table, tuple(Fact), at)
        return tuple(self._condition(Fact(key), table[key], (*at, key)) for key in table if key in set(Fact))

    def _condition(self, fact: Fact, value: Any, at: KeyPath) -> Condition:
        line = line_of(at, self._lines)
        operators = _operators(fact)
        if not isinstance(value, dict):
            if fact in NUMBERS:
                self._fault(at, f"{fact} is a number: write {{ at_least = ..., at_most = ... }}")
                return Condition(fact, line=line)
            value = {"one_of": value}
        self._known_keys(value, operators, at)
        if not value:
            self._fault(at, f"{fact} says nothing: write one of {', '.join(operators)}")
        if fact in NUMBERS:
            return Condition(
                fact,
                at_least=self._number(value.get("at_least"), (*at, "at_least")),
                at_most=self._number(value.get("at_most"), (*at, "at_most")),
                line=line,
            )
        words = {name: self._words(value[name], (*at, name)) for name in operators if name in value}
        for name in _WORD_OPERATORS:
            self._in_list(fact, words.get(name, ()), (*at, name))
        return Condition(
            fact,
            one_of=words.get("one_of", ()),
            none_of=words.get("none_of", ()),
            contains=words.get("contains", ()),
            contains_none=words.get("contains_none", ()),
            line=line,
        )

    def _in_list(self, fact: Fact, words: tuple[str, ...], at: KeyPath) -> None:
        allowed = CLOSED.get(fact)
        for word in words:
            if allowed is not None and word not in allowed:
                self._fault(at, f"{word!r} is no {fact}{suggestion(word, tuple(allowed))}")

    def _known_keys(self, table: dict[str, Any], allowed: tuple[str, ...], at: KeyPath) -> None:
        for key in table:
            if key not in allowed:
                self._fault((*at, key), f"{key!r} is not known here{suggestion(key, allowed)}")

    def _text(self, table: dict[str, Any], key: str, at: KeyPath, default: str) -> str:
        value = table.get(key, default)
        if isinstance(value, str):
            return value
        self._fault((*at, key), f"{key} is a text, not {value!r}")
        return default

    def _words(self, value: Any, at: KeyPath) -> tuple[str, ...]:
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not values or not all(isinstance(v, str) and v for v in values):
            self._fault(at, f"a text or a list of texts is wanted, not {value!r}")
            return ()
        return tuple(values)

    def _number(self, value: Any, at: KeyPath) -> float | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._fault(at, f"a number is wanted, not {value!r}")
            return None
        return float(value)

    def _word(self, kind: type[_Word], value: Any, at: KeyPath) -> _Word:
        try:
            return kind(value)
        except ValueError:
            self._fault(at, f"{value!r} is not one of {', '.join(kind)}{suggestion(str(value), tuple(kind))}")
            return next(iter(kind))

    def _preferences(self, value: Any, at: KeyPath) -> tuple[Preference, ...]:
        if value is None:
            return DEFAULT_PREFERENCES
        return tuple(self._word(Preference, word, at) for word in self._words(value, at))

    def _night(self, value: Any, at: KeyPath) -> Night:
        if value is None:
            return DEFAULT_NIGHT
        try:
            begins, ends = (time.fromisoformat(part.strip()) for part in value.split("-"))
        except (AttributeError, ValueError):
            self._fault(at, f"a night is written 'HH:MM-HH:MM', not {value!r}")
            return DEFAULT_NIGHT
        return Night(begins, ends)

    def _fault(self, at: KeyPath, text: str) -> None:
        self.faults.append((line_of(at, self._lines), text))


def _operators(fact: Fact) -> tuple[str, ...]:
    """Return what can be said of a fact."""
    if fact in NUMBERS:
        return _NUMBER_OPERATORS
    return _TEXT_OPERATORS if fact in TEXTS else _WORD_OPERATORS
