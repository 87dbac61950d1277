"""Who may answer for a scan: finders, each with the patients that its networks learnt from."""

from collections.abc import Sequence
from dataclasses import dataclass

from node.errors import InputRefused
from node.learn.scans import Scan
from node.segment.lesions.finder import Finder


@dataclass(frozen=True, slots=True)
class Seen:
    """A finder and the patients that its networks learnt from."""

    finder: Finder
    train_cases: frozenset[str]


def is_learnt(scan: Scan, seen: Sequence[Seen]) -> bool:
    """Tell whether all of them have learnt from a scan's patient."""
    return all(scan.is_of(one.train_cases) for one in seen)


def finder_for(scan: Scan, seen: Sequence[Seen]) -> Finder:
    """Return a finder that has not learnt from a patient.

    Raises
    ------
    InputRefused
        EVAL-TRAINED where all of them have.
    """
    for one in seen:
        if not scan.is_of(one.train_cases):
            return one.finder
    raise InputRefused("EVAL-TRAINED", f"every network learnt from {scan.case}; give the runs of the other folds, too")
