"""Our own results: which SOP Instance UIDs we made, and where their bytes are kept (the loop guard, architecture 4).

Each object is also written into `objects.jsonl` beside its bytes, so that the table can be made again.
"""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Column, Engine, delete, func, insert, select

from node.store.durable import flush_folder, make_folder
from node.store.layout import Layout
from node.store.tables import results

_BESIDE = "objects.jsonl"


@dataclass(frozen=True, slots=True)
class KeptResult:
    """One result object, its bytes on disk."""

    sop_uid: str
    series_uid: str
    sop_class_uid: str
    study_uid: str
    workflow_id: str
    kind: str
    path: Path


class OwnResults:
    """The results table of one data folder; `in` asks whether a SOP Instance UID is ours."""

    def __init__(self, engine: Engine, layout: Layout) -> None:
        self._engine = engine
        self._layout = layout

    def __contains__(self, sop_uid: object) -> bool:
        query = select(results.c.sop_uid).where(results.c.sop_uid == str(sop_uid))
        with self._engine.connect() as connection:
            return connection.execute(query).first() is not None

    def remember(self, result: KeptResult) -> None:
        """Note an object before its first sending; noting it again changes nothing."""
        row: dict[str, object] = {
            "sop_uid": result.sop_uid,
            "series_uid": result.series_uid,
            "sop_class_uid": result.sop_class_uid,
            "study_uid": result.study_uid,
            "workflow_id": result.workflow_id,
            "kind": result.kind,
            "path": str(result.path.relative_to(self._layout.results)),
            "made_at_s": time.time(),
        }
        self._write_beside(result.path.parent, row)
        self._insert(row)

    def rebuild(self) -> int:
        """Fill the table from the files beside the results, and return how many objects there are."""
        rows: dict[str, dict[str, object]] = {}
        for path in sorted(self._layout.results.glob(f"*/{_BESIDE}")):
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    row = json.loads(line)
                    rows[row["sop_uid"]] = row
                except (ValueError, KeyError, TypeError):  # torn by a crash before the object was sent
                    continue
        for row in rows.values():
            self._insert(row)
        return len(rows)

    def rebuild_where_lost(self) -> int:
        """Fill the table where it is empty, as beside an index that was lost, and return how many objects came."""
        with self._engine.connect() as connection:
            if connection.execute(select(results.c.sop_uid).limit(1)).first() is not None:
                return 0
        return self.rebuild()

    def of_study(self, study_uid: str) -> tuple[KeptResult, ...]:
        """Return the kept objects of one study, sorted by UID."""
        return self._select(results.c.study_uid, study_uid)

    def n_runs_with(self, kind: str) -> int:
        """Return how many runs made an object of a kind, those whose files are gone included."""
        query = select(func.count(results.c.workflow_id.distinct())).where(results.c.kind == kind)
        with self._engine.connect() as connection:
            return connection.scalar(query) or 0

    def _insert(self, row: dict[str, object]) -> None:
        with self._engine.begin() as connection:
            connection.execute(delete(results).where(results.c.sop_uid == row["sop_uid"]))
            connection.execute(insert(results), [row])

    def _write_beside(self, folder: Path, row: dict[str, object]) -> None:
        """Append a line and flush it: the loop guard must not forget an object that may already be out."""
        make_folder(folder)
        with (folder / _BESIDE).open("ab") as file:
            file.write(json.dumps(row).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        flush_folder(folder)

    def _select(self, column: Column[str], value: str) -> tuple[KeptResult, ...]:
        query = select(results).where(column == value).order_by(results.c.sop_uid)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return tuple(
            KeptResult(r.sop_uid, r.series_uid, r.sop_class_uid, r.study_uid, r.workflow_id, r.kind,
                       self._layout.results / r.path)
            for r in rows
        )  # fmt: skip
