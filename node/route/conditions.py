"""One condition of a route, and its three possible answers. A missing tag is not a "no"."""

from dataclasses import dataclass

from node.facts.series import SeriesFacts
from node.route.case import Known
from node.route.features import Value, see
from node.route.vocabulary import Fact


@dataclass(frozen=True, slots=True)
class Matched:
    """It holds; `seen` is the value that was looked at."""

    seen: str


@dataclass(frozen=True, slots=True)
class NotMatched:
    """It does not hold; `seen` is the value that was looked at."""

    seen: str


@dataclass(frozen=True, slots=True)
class Undecidable:
    """The headers do not say; `missing` is the fact that is absent."""

    missing: Fact


Answer = Matched | NotMatched | Undecidable


@dataclass(frozen=True, slots=True)
class Condition:
    """A fact and what it has to be. Only the fields that its kind of fact allows are set (`rules.py` sees to it).

    Words are compared without regard to case: `one_of` and `none_of` with whole values, `contains` and
    `contains_none` with parts of a text.
    """

    fact: Fact
    one_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    contains_none: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    line: int = 0

    def __str__(self) -> str:
        """Say it as it would be written in a rules file."""
        words = {"one_of": self.one_of, "none_of": self.none_of}
        words |= {"contains": self.contains, "contains_none": self.contains_none}
        parts = [f"{name} {', '.join(value)}" for name, value in words.items() if value]
        parts += [f"{n} {v:g}" for n, v in (("at_least", self.at_least), ("at_most", self.at_most)) if v is not None]
        return f"{self.fact} {' and '.join(parts)}"


def ask(condition: Condition, series: SeriesFacts, known: Known) -> Answer:
    """Answer one condition for one series."""
    value = see(condition.fact, series, known)
    if value is None:
        return Undecidable(condition.fact)
    seen = f"{value:g}" if isinstance(value, float) else "\\".join(value)
    return Matched(seen) if _holds(condition, value) else NotMatched(seen)


def _holds(condition: Condition, value: Value) -> bool:
    if isinstance(value, float):
        least, most = condition.at_least, condition.at_most
        return (least is None or value >= least) and (most is None or value <= most)
    values = {text.casefold() for text in value}
    text = "\\".join(value).casefold()
    return (
        (not condition.one_of or any(word.casefold() in values for word in condition.one_of))
        and all(word.casefold() not in values for word in condition.none_of)
        and (not condition.contains or any(word.casefold() in text for word in condition.contains))
        and all(word.casefold() not in text for word in condition.contains_none)
    )
