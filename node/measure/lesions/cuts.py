"""Sort a value into the intervals that a list of cut-offs makes, and say where rounding for text would move it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut-off in mm; `lower_has_it` says to which side the cut-off itself belongs."""

    at_mm: float
    lower_has_it: bool


def place(value_mm: float, cuts: Sequence[Cut]) -> int:
    """Return the index of the interval that holds a value: 0 below the first cut-off."""
    return sum(value_mm > cut.at_mm or (value_mm == cut.at_mm and not cut.lower_has_it) for cut in cuts)


def places(value_mm: float, as_printed_mm: float, cuts: Sequence[Cut]) -> tuple[int, ...]:
    """Return the interval of the unrounded value, and the neighbours' where the printed value belongs to another."""
    exact, printed = place(value_mm, cuts), place(as_printed_mm, cuts)
    return (exact,) if exact == printed else tuple(sorted((exact, printed)))
