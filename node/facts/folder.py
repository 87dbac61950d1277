"""All instances under a folder, grouped by series."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from node.errors import Code
from node.facts.instance import InstanceFacts
from node.facts.read import read_facts
from node.facts.series import InstanceFile, SeriesFacts, stack_files


@dataclass(frozen=True, slots=True)
class UnreadFile:
    """A file that gave no facts, and why."""

    path: Path
    code: Code
    text: str
    foreign: bool = False  # neither its name nor its content says DICOM


@dataclass(frozen=True, slots=True)
class Folder:
    """What a folder holds: series sorted by UID, and everything that could not be read."""

    series: tuple[SeriesFacts, ...]
    unread: tuple[UnreadFile, ...]


def read_folder(path: Path) -> Folder:
    """Read the header of every file below a folder (or of one file); links to folders are not followed."""
    files: list[InstanceFile] = []
    unread: list[UnreadFile] = []
    for file in _files_below(path):
        facts = read_facts(file)
        if isinstance(facts, InstanceFacts):
            files.append(InstanceFile(facts, file))
        else:
            unread.append(UnreadFile(file, facts.code, facts.text, facts.foreign))
    return Folder(group(files), tuple(unread))


def group(files: Iterable[InstanceFile]) -> tuple[SeriesFacts, ...]:
    """Gather instances by study and series UID, each series sorted by SOP Instance UID, then path, odd ones last.

    One series UID in two studies gives two series here: `route` sees both and refuses them (ID-MIXSTUDY).
    """
    series: defaultdict[tuple[str, str], list[InstanceFile]] = defaultdict(list)
    for file in files:
        series[file.facts.study_instance_uid, file.facts.series_instance_uid].append(file)
    return tuple(
        _odd_ones_last(sorted(members, key=lambda f: (f.facts.sop_instance_uid, str(f.path))))
        for _, members in sorted(series.items())
    )


def _odd_ones_last(files: list[InstanceFile]) -> SeriesFacts:
    """Put behind what speaks for the series whatever does not."""
    stack = stack_files(files)
    among = {id(file) for file in stack}
    odd = tuple(file for file in files if id(file) not in among)
    return SeriesFacts((*stack, *odd), n_odd=len(odd))


def _files_below(path: Path) -> Iterator[Path]:
    """Yield files in a stable order."""
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            yield Path(folder) / name
