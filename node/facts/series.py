"""The instances of one series, and which file holds each: the value that `route` and `volume` are given."""

from dataclasses import dataclass
from pathlib import Path

from node.facts.instance import InstanceFacts


@dataclass(frozen=True, slots=True)
class InstanceFile:
    """One instance and the file that holds it."""

    facts: InstanceFacts
    path: Path


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """All instances of one Series Instance UID, sorted by SOP Instance UID; never empty.

    Only what `first` says is taken for the series; whether the others agree is checked in `volume` and `route`.
    """

    files: tuple[InstanceFile, ...]

    @property
    def first(self) -> InstanceFacts:
        """The instance with the lowest SOP Instance UID."""
        return self.files[0].facts

    @property
    def series_instance_uid(self) -> str:
        """The series."""
        return self.first.series_instance_uid

    @property
    def study_instance_uid(self) -> str:
        """The study of the first instance (ID-MIXSTUDY where they differ)."""
        return self.first.study_instance_uid

    @property
    def n_instances(self) -> int:
        """How many files there are."""
        return len(self.files)
