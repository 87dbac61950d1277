"""A screening or follow-up scheme's size band for one lesion, and why there may be none."""

from collections.abc import Sequence
from dataclasses import dataclass

from node.measure.lesions.cuts import Cut, places


@dataclass(frozen=True, slots=True)
class Scale:
    """Cut-offs and the names of the intervals between them."""

    cuts: tuple[Cut, ...]
    names: tuple[str, ...]

    def bands(self, value_mm: float, as_printed_mm: float) -> tuple[str, ...]:
        """Return the interval of the unrounded value; both where the printed value lies in another."""
        return tuple(self.names[i] for i in places(value_mm, as_printed_mm, self.cuts))


@dataclass(frozen=True, slots=True)
class ScreeningBand:
    """`of` names what was measured; two bands where it is borderline; `applies` is part of the statement."""

    scheme: str
    of: str
    printed_mm: float
    bands: tuple[str, ...]
    applies: str

    @property
    def is_borderline(self) -> bool:
        """Whether two bands are given."""
        return len(self.bands) > 1

    @property
    def text(self) -> str:
        """The statement with its condition."""
        bands = f"borderline between {' and '.join(self.bands)}" if self.is_borderline else self.bands[0]
        return f"{self.scheme} size band, {self.of} {self.printed_mm:g} mm: {bands}; {self.applies}."


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """Why a scheme's bands are not shown."""

    scheme: str
    why: str


def below(*limits_mm: float) -> tuple[Cut, ...]:
    """Return cut-offs that belong to the upper interval: "< limit" and "≥ limit"."""
    return tuple(Cut(limit_mm, lower_has_it=False) for limit_mm in limits_mm)


def scale(cuts: Sequence[Cut], *names: str) -> Scale:
    """Name the intervals between cut-offs, lowest first."""
    return Scale(tuple(cuts), names)
