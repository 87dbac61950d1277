"""What the slices of a PET agree on: a value that differs between slices counts as missing."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from node.facts.pet import PetFacts

# These may differ from slice to slice; all others belong to the series.
_OF_A_SLICE = frozenset(
    ("acquired", "frame_duration_s", "frame_reference_s", "decay_factor", "philips_suv_factor",
     "philips_activity_factor")
)  # fmt: skip


def agreed(slices: Sequence[PetFacts]) -> tuple[PetFacts, tuple[str, ...]]:
    """Return the first slice's facts without what others contradict, and the names of that."""
    first = slices[0]
    names = [f.name for f in fields(PetFacts) if f.name not in _OF_A_SLICE]
    different = tuple(n for n in names if any(getattr(s, n) != getattr(first, n) for s in slices))
    return replace(first, **{name: _nothing(getattr(first, name)) for name in different}), different


def _nothing(value: object) -> Any:  # whatever the type of the field, so that `replace` takes it
    """Return what stands for a missing value of this type."""
    if isinstance(value, str):
        return ""
    if isinstance(value, tuple):
        return ()
    return 0 if isinstance(value, int) else None
