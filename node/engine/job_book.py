"""Cases that are done, as they were read: page, metrics and health check ask again and again, and most cases are done.

A case is read again as soon as one of its files or the engine's word of it is another.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from dbos import WorkflowStatus

from node.engine.case_catalogue import CaseCatalogue
from node.engine.case_file import result_folder
from node.engine.job_state import DONE, Job, job_of

_Stamp = tuple[object, ...]  # what a case that is done depends on


@dataclass(slots=True)
class JobBook:
    """The cases of one data folder. Who asks holds `lock`: of several at once one reads."""

    cases: CaseCatalogue
    lock: Lock = field(default_factory=Lock)
    _done: dict[str, tuple[_Stamp, Job]] = field(default_factory=dict)

    def jobs(self, statuses: Mapping[str, WorkflowStatus], twice: frozenset[str]) -> tuple[Job, ...]:
        """Return all cases as they stand (see `job_of`), oldest first.

        Parameters
        ----------
        statuses : what the engine says of each, by workflow id.
        """
        done, found = {}, []
        for case in self.cases.all():
            status = statuses.get(case.workflow_id)
            folder = result_folder(self.cases.data_dir, case.workflow_id)
            word = (status.status, status.updated_at) if status else None
            stamp: _Stamp = (word, twice, *_files(folder), *_files(folder / "delivery"))
            known = self._done.get(case.workflow_id)
            one = known[1] if known and known[0] == stamp else job_of(self.cases.data_dir, case, status, twice)
            if one.state == DONE:
                done[case.workflow_id] = stamp, one
            found.append(one)
        self._done = done
        return tuple(found)


def _files(folder: Path) -> tuple[tuple[str, int, int, int], ...]:
    """Return name, inode, size and time of each thing in a folder; nothing where there is no folder."""
    try:
        with os.scandir(folder) as entries:
            seen = [(entry.name, entry.stat()) for entry in entries]
    except FileNotFoundError:  # or what was there a moment ago
        return ()
    return tuple(sorted((name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in seen))
