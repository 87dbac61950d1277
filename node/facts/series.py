"""The instances of one series, and which file holds each: the value that `route` and `volume` are given."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from node.facts.fitting import fitting, is_placed
from node.facts.instance import InstanceFacts


@dataclass(frozen=True, slots=True)
class InstanceFile:
    """One instance and the file that holds it."""

    facts: InstanceFacts
    path: Path


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """All instances of one Series Instance UID, sorted by SOP Instance UID, scouts and the like last; never empty.

    Only what `first` says is taken for the series; whether the others agree is checked in `volume` and `route`.
    """

    files: tuple[InstanceFile, ...]
    n_odd: int = 0  # how many of the last files are no images of what the series is about (`stack_files`)

    @property
    def stack(self) -> tuple[InstanceFile, ...]:
        """The files of what the series is about."""
        return self.files[: len(self.files) - self.n_odd]

    @property
    def first(self) -> InstanceFacts:
        """The instance with the lowest SOP Instance UID of those that the series is about."""
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


def stack_files(files: Sequence[InstanceFile]) -> tuple[InstanceFile, ...]:
    """Return the files of what a series is about: the SOP class that most placed images have, without scouts.

    A dose report, a screenshot or a scout among axial images neither speaks for the series nor is one of its slices.
    """
    placed = [file for file in files if is_placed(file.facts.geometry)] or files
    usual = Counter(file.facts.sop_class_uid for file in placed).most_common(1)[0][0]
    same = {id(file.facts): file for file in files if file.facts.sop_class_uid == usual}
    return tuple(same[id(facts)] for facts in fitting([file.facts for file in same.values()]))
