"""A case on disk: which files, by which route, under which identity. UIDs and paths only, no patient data.

`results/<workflow_id>/case.json` is written before the workflow is enqueued, and is all that a worker needs to know.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from node.engine.files import read_as, write_json
from node.engine.pet_line import PetLine
from node.errors import Reason

_FILE = "case.json"


@dataclass(frozen=True, slots=True)
class SourceSeries:
    """One series and the files that make it up: (SOP Instance UID, path below the data folder), by UID."""

    series_instance_uid: str
    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SeriesNote:
    """What became of one series of the study; `role` as in `result.json`."""

    series_instance_uid: str
    modality: str
    role: str
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseFile:
    """One case as intake decided it.

    Attributes
    ----------
    destinations : names, None for all that are configured.
    why : why the route applies, and why the case was taken to be complete.
    identity : the fields of standards 1.3 as `report` writes them, None while the case is a draft.
    predecessor : workflow id of the run that this one supersedes.
    ordinal : 1 for the first run of a study and analysis, 2 for the one that supersedes it ...
    arrived_until_s : when the newest instance of the study came that this decision knew of.
    proved : whether the source's own count says that the series is complete.
    not_before_s : when an off-peak case may start, seconds since the epoch.
    series_notes : what became of every series of the study, for `result.json`.
    pets : what the headers of every PET say, as long as none was measured.
    partner_reasons : by which rule the PET was chosen, where there was a choice (PT-MULTI).
    correction : SOP Instance UID of the reader's segmentation that this run measures, in the place of a model.
    """

    workflow_id: str
    study_instance_uid: str
    route: str
    anchor: SourceSeries
    partners: tuple[SourceSeries, ...]
    lungs: str | None
    lesions: str | None
    priority: str
    destinations: tuple[str, ...] | None
    why: tuple[str, ...]
    identity: dict[str, Any] | None = None
    identity_revision: int = 0
    run: int = 1
    predecessor: str | None = None
    ordinal: int = 1
    created_s: float = 0.0
    arrived_until_s: float = 0.0
    proved: bool = True
    not_before_s: float = 0.0
    series_notes: tuple[SeriesNote, ...] = ()
    pets: tuple[PetLine, ...] = ()
    partner_reasons: tuple[Reason, ...] = ()
    correction: str | None = None

    def goes_to(self, configured: Iterable[str]) -> list[str]:
        """Name the destinations that it is for, of those that are configured."""
        return [name for name in configured if self.destinations is None or name in self.destinations]


_adapter = TypeAdapter(CaseFile)


def result_folder(data_dir: Path, workflow_id: str) -> Path:
    """Return where everything about a case is kept."""
    return data_dir / "results" / workflow_id


def case_json(case: CaseFile) -> dict[str, Any]:
    """Return a case as JSON."""
    return dict(_adapter.dump_python(case, mode="json"))


def case_from_json(kept: dict[str, Any]) -> CaseFile:
    """Read a case from JSON."""
    return _adapter.validate_python(kept)


def write_case(data_dir: Path, case: CaseFile) -> None:
    """Keep a case."""
    write_json(result_folder(data_dir, case.workflow_id) / _FILE, case_json(case))


def read_case_file(data_dir: Path, workflow_id: str) -> CaseFile | None:
    """Read a case; None where there is none of that id, ENG-FILE where its file is damaged."""
    return read_as(result_folder(data_dir, workflow_id) / _FILE, _adapter)


def is_kept(data_dir: Path, workflow_id: str) -> bool:
    """Whether there is a case of that id, be its file damaged or not."""
    return (result_folder(data_dir, workflow_id) / _FILE).exists()
