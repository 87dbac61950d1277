"""A reader's correction on disk: who saved it and when, how it differs from ours, or why it is not used.

`corrections/<study>/<sop>/correction.json` and, where it is used, `masks/labels.nrrd` beside it. Neither holds the
patient's name or number, so both outlive the study: they are what the node's own acceptance figures are counted from.
The object itself lies in the spool as long as its study does.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from node.engine.correction_state import CORRECTION_FILE, correction_folder, corrections_root
from node.engine.files import read_json, write_json
from node.errors import Misconfigured, Reason
from node.review.compare import Comparison
from node.review.drawn import DrawnSegment
from node.review.meaning import Meaning
from node.segment.contract import ModelIdentity

MASKS = Path("masks") / "labels.nrrd"


@dataclass(frozen=True, slots=True)
class CorrectionFile:
    """One correction.

    Attributes
    ----------
    workflow_id : the run of ours that it was compared with.
    reader : as the object names it; nobody has authenticated the name.
    saved_at : YYYYMMDDHHMMSS as the object says, "" where it does not; `arrived_s` seconds since the epoch.
    path : of the object, below the data folder.
    reasons : warnings, or what it was refused for; `comparison` is None exactly where it was refused.
    segments : what the labels of the masks stand for, and which segments of the object they are.
    models : who made our result.
    withdrawn : whether a rejection note took it back.
    named : what an operator said that segments stand for, by number.
    """

    sop_instance_uid: str
    sop_class_uid: str
    series_instance_uid: str
    study_instance_uid: str
    of_series_uid: str
    workflow_id: str
    reader: str
    software: str
    saved_at: str
    arrived_s: float
    path: str
    reasons: tuple[Reason, ...]
    comparison: Comparison | None
    segments: tuple[DrawnSegment, ...] = ()
    models: tuple[ModelIdentity, ...] = ()
    withdrawn: bool = False
    named: dict[int, Meaning] = field(default_factory=dict)

    @property
    def is_used(self) -> bool:
        """Whether it counts."""
        return self.comparison is not None and not self.withdrawn

    @property
    def at_s(self) -> float:
        """When the reader saved it, by the object's own clock; when it arrived where that is not told."""
        try:
            return datetime.strptime(self.saved_at, "%Y%m%d%H%M%S").astimezone().timestamp()
        except ValueError:
            return self.arrived_s


_adapter = TypeAdapter(CorrectionFile)


def write_correction(data_dir: Path, correction: CorrectionFile) -> None:
    """Keep it."""
    folder = correction_folder(data_dir, correction.study_instance_uid, correction.sop_instance_uid)
    write_json(folder / CORRECTION_FILE, _adapter.dump_python(correction, mode="json"))


def all_corrections(data_dir: Path) -> tuple[CorrectionFile, ...]:
    """Return all corrections, the one that was saved last at the end; of several of one run the last counts."""
    found = (read_json(path) for path in corrections_root(data_dir).glob(f"*/*/{CORRECTION_FILE}"))
    return tuple(sorted((_adapter.validate_python(f) for f in found if f is not None), key=_order))


def one_correction(data_dir: Path, uid: str) -> CorrectionFile:
    """Return a correction by its SOP Instance UID, or the end of it where that is unambiguous.

    Raises
    ------
    Misconfigured
        COR-UNKNOWN where there is none, or more than one.
    """
    found = [c for c in all_corrections(data_dir) if c.sop_instance_uid.endswith(uid)]
    exact = [c for c in found if c.sop_instance_uid == uid]
    if len(exact or found) != 1:
        how_many = f"{len(found)} corrections end" if found else "no correction ends"
        raise Misconfigured("COR-UNKNOWN", f"{how_many} with {uid!r}")
    return (exact or found)[0]


def correction_json(correction: CorrectionFile) -> dict[str, Any]:
    """Return a correction as JSON, with the counts that follow from it."""
    found = dict(_adapter.dump_python(correction, mode="json"))
    comparison = correction.comparison
    if comparison is not None:
        counts = {"n_added": comparison.n_added, "n_removed": comparison.n_removed}
        found["comparison"] |= counts | {"is_unchanged": comparison.is_unchanged}
    return found | {"state": state_of(correction)}


def state_of(correction: CorrectionFile) -> str:
    """Return what became of it in one word."""
    if correction.withdrawn:
        return "withdrawn"
    return "used" if correction.is_used else "not used"


def _order(correction: CorrectionFile) -> tuple[float, float, str]:
    return correction.at_s, correction.arrived_s, correction.sop_instance_uid
