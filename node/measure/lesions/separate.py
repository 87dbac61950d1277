"""Further lesions beside one: how many on which side, and how far the nearest is; not what they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import dist

from node.measure.quantity import Side

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """One lesion of the series."""

    name: str
    centre_lps_mm: Point
    side: Side | None
    is_uncertain: bool = False


@dataclass(frozen=True, slots=True)
class FurtherLesions:
    """Counts leave the lesion itself out; distances run between centroids."""

    n_same_side: int
    n_other_side: int
    n_side_unknown: int
    nearest_name: str | None
    nearest_mm: float | None
    n_uncertain: int = 0

    @property
    def text(self) -> str:
        """The counts in words."""
        total = self.n_same_side + self.n_other_side + self.n_side_unknown
        if total == 0:
            return "No further lesion segmented by this software."
        parts = [f"{self.n_same_side} in the same lung", f"{self.n_other_side} in the other lung"]
        if self.n_side_unknown:
            parts.append(f"{self.n_side_unknown} with unknown side")
        doubt = f"; {self.n_uncertain} of these {total} uncertain" if self.n_uncertain else ""
        return f"Further lesions segmented by this software: {', '.join(parts)}{doubt}."


def further_lesions(mark: Mark, marks: Sequence[Mark]) -> FurtherLesions:
    """Count the others of `marks`.

    Parameters
    ----------
    mark : the lesion in question; where its side is unknown, so is every comparison of sides
    marks : all lesions of the series; `mark` is recognised by its name
    """
    others = [other for other in marks if other.name != mark.name]
    told = [other for other in others if other.side is not None and mark.side is not None]
    n_same = sum(other.side is mark.side for other in told)
    nearest = min(others, key=lambda other: dist(other.centre_lps_mm, mark.centre_lps_mm), default=None)
    return FurtherLesions(
        n_same,
        len(told) - n_same,
        len(others) - len(told),
        None if nearest is None else nearest.name,
        None if nearest is None else dist(nearest.centre_lps_mm, mark.centre_lps_mm),
        sum(other.is_uncertain for other in others),
    )
