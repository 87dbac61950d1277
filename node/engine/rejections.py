"""Rejection notes that arrived: what they reject is not analysed, not sent, and where they say so not kept (IHE IOCM).

`rejections/<note>.json` outlives the study, so an instance that is sent again stays rejected.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog
from dbos import DBOSClient

from node.engine.case_catalogue import CaseCatalogue
from node.engine.case_file import CaseFile, result_folder
from node.engine.files import read_json, write_json
from node.engine.outbox import kept
from node.engine.stopped import Stopped, stop, why_stopped
from node.errors import Code, InputRefused
from node.facts.rejection import KEY_OBJECT_SELECTION, TITLES, RejectionNote, read_rejection
from node.facts.series import SeriesFacts
from node.store.index import Index
from node.store.layout import Layout
from node.store.ledger import Ledger

_FOLDER = "rejections"


@dataclass(slots=True)
class Rejections:
    """All rejection notes of one data folder, and what they did."""

    data_dir: Path
    engine: DBOSClient
    layout: Layout
    index: Index
    ledger: Ledger
    cases: CaseCatalogue
    rejected: set[str] = field(default_factory=set)  # instances, and series of which pixels were purged
    _looked_at: set[str] = field(default_factory=set)  # key objects, by UID

    def __post_init__(self) -> None:
        self.rejected |= all_rejected(self.data_dir)
        self._looked_at |= {path.stem for path in (self.data_dir / _FOLDER).glob("*.json")}

    def look(self, series: Iterable[SeriesFacts]) -> bool:
        """Obey the notes among the series of a study that are new; tell whether files were purged."""
        purged = False
        for one in series:
            for file in one.files:
                uid = file.facts.sop_instance_uid
                if file.facts.sop_class_uid != KEY_OBJECT_SELECTION or uid in self._looked_at:
                    continue
                self._looked_at.add(uid)
                purged |= self._read(file.path)
        return purged

    def _read(self, path: Path) -> bool:
        try:
            note = read_rejection(path)
        except InputRefused as error:
            structlog.get_logger().warning("engine.key_object_unread", sop_uid=path.stem, code=error.code)
            return False
        return note is not None and self._obey(note)

    def _obey(self, note: RejectionNote) -> bool:
        """Stop everything first, then keep the note: after a crash in between it is obeyed once more."""
        self.rejected |= note.rejected
        stopped = [case.workflow_id for case in self.cases.all() if self._stop(case, note)]
        withdraw_corrections(self.data_dir, note.rejected)
        purged_series = self._purge(note) if note.purges else []
        self.rejected |= set(purged_series)
        value = {
            "title": note.title,
            "study": note.study_instance_uid,
            "rejected": sorted(note.rejected),
            "purged_series": purged_series,
            "stopped": stopped,
            "at_s": time.time(),
        }
        write_json(self.data_dir / _FOLDER / f"{note.sop_instance_uid}.json", value)
        why = f"a rejection note came: {TITLES[note.title]}"
        fields = {"note": note.sop_instance_uid, "n_rejected": len(note.rejected), "stopped": stopped}
        self.ledger.decide(note.study_instance_uid, "rejected", why, code=Code.ID_REJECTED.value, **fields)
        log = structlog.get_logger().bind(study_uid=note.study_instance_uid, title=note.title)
        log.warning("engine.rejected", code=Code.ID_REJECTED.value, n_rejected=len(note.rejected), stopped=stopped)
        return bool(purged_series)

    def _stop(self, case: CaseFile, note: RejectionNote) -> bool:
        """Stop a case of which sources or results are rejected; nothing of it is sent from now on."""
        folder = result_folder(self.data_dir, case.workflow_id)
        sources = {uid for series in (case.anchor, *case.partners) for uid, _ in series.files}
        sources |= set() if case.correction is None else {case.correction}
        results = {o.sop_instance_uid for o in kept(folder) or ()}
        if note.rejected.isdisjoint(sources | results):
            return False
        what = "its results were" if note.rejected.isdisjoint(sources) else "images that it was made from were"
        before = why_stopped(folder)
        if before is None or before[0] is not Stopped.REJECTED:
            why = f"{Code.ID_REJECTED}: {what} {TITLES[note.title]}"
            stop(self.data_dir, self.engine, case.workflow_id, Stopped.REJECTED, why)
        return True

    def _purge(self, note: RejectionNote) -> list[str]:
        """Remove the files of rejected instances; return the series that they belonged to."""
        series = set()
        for place in (self.layout.studies, self.layout.variants, self.layout.quarantine, self.layout.superseded):
            for path in place.glob("*/*/*.dcm"):
                if path.stem.partition("~")[0] in note.rejected:
                    series.add(path.parent.name)
                    self.index.forget(path)
                    path.unlink(missing_ok=True)
        return sorted(series)


def all_rejected(data_dir: Path) -> frozenset[str]:
    """Return every instance that a note has named, and the series of which pixels were purged."""
    notes = (read_json(path) or {} for path in (data_dir / _FOLDER).glob("*.json"))
    return frozenset(uid for note in notes for key in ("rejected", "purged_series") for uid in note.get(key, ()))


def withdraw_corrections(data_dir: Path, rejected: frozenset[str]) -> None:
    """Mark readers' segmentations that are rejected: they count no more."""
    from node.engine.correction_file import all_corrections, write_correction  # noqa: PLC0415 - review loads late

    for correction in all_corrections(data_dir):
        if correction.sop_instance_uid in rejected:
            write_correction(data_dir, replace(correction, withdrawn=True))
