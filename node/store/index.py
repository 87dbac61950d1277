"""The index over the spool: which instances of which study are there, who sends, what was announced.

It is a cache. `rebuild` fills it from the files, `follow_journal` keeps it near them. Decisions and results
have modules of their own (`own`, `ledger`).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import structlog
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from node.errors import InputRefused
from node.store.journal import Event, Line, journal_files, process_of, read_lines
from node.store.layout import SUFFIX, Layout, uids_of
from node.store.part10 import read_meta
from node.store.status import status_of
from node.store.tables import announced, association_studies, associations, instances, journal_positions

CURRENT = "studies"  # the place of current files
_PLACES = ("studies", "variants", "quarantine", "superseded")
_BATCH = 500
_AHEAD_S = 2.0  # machines that share a spool differ by less; later than this, the clock was set back


@dataclass(frozen=True, slots=True)
class StudyArrival:
    """What is known of a study's arrival, for the decision whether it is complete."""

    study_uid: str
    n_by_series: tuple[tuple[str, int], ...]
    first_at_s: float
    last_at_s: float
    n_open_associations: int  # of those that delivered instances of it
    sender_heard_at_s: float  # see `_sender_heard_at_s`; 0 where its senders have no other association open
    last_ended: str  # "released", "aborted" or "" where no association has ended
    last_ended_at_s: float
    n_announced: int | None  # how many of the study's instances a storage commitment request named; None: no request
    calling_ae: str
    called_ae: str


class Index:
    """The index of one data folder."""

    def __init__(self, engine: Engine, layout: Layout) -> None:
        self._engine = engine
        self._layout = layout

    def follow_journal(self) -> tuple[str, ...]:
        """Take in what the journals say since the last call, and return the studies that something happened to.

        A journal that is shorter than what was read of it is another one, or lost its end with the machine's power:
        it is read from its beginning, and the files are counted again.
        """
        touched: dict[str, None] = {}
        if self._begin_shorter_anew():
            self.rebuild()
            touched = dict.fromkeys(self.studies())
        for path in journal_files(self._layout.journal):
            with self._engine.begin() as connection:
                offset = _position(connection, path.name)
                start = offset
                for line, offset in read_lines(path, start):  # noqa: B007  the last one is stored
                    touched.update(dict.fromkeys(self._take(connection, path, line)))
                if offset != start:
                    _set_position(connection, path.name, offset)
        return tuple(touched)

    def _begin_shorter_anew(self) -> bool:
        """Forget how far journals were read that have become shorter; tell whether there were any."""
        with self._engine.begin() as connection:
            read_to = {row.file: row.offset for row in connection.execute(select(journal_positions))}
            sizes = {path.name: status_of(path) for path in journal_files(self._layout.journal)}
            shorter = [name for name, size in sizes.items() if size and size.st_size < read_to.get(name, 0)]
            if shorter:
                connection.execute(delete(journal_positions).where(journal_positions.c.file.in_(shorter)))
        if shorter:
            structlog.get_logger().warning("index.journal_shorter", code="IDX-JOURNAL", files=shorter)
        return bool(shorter)

    def rebuild(self) -> int:
        """Fill the table of instances from the files, and return how many there are."""
        with self._engine.begin() as connection:
            connection.execute(delete(instances))
            n_files = 0
            for rows in _batches(self._rows()):
                connection.execute(insert(instances), rows)
                n_files += len(rows)
        return n_files

    def forget(self, path: Path) -> None:
        """Take a file out that was moved or removed."""
        with self._engine.begin() as connection:
            connection.execute(delete(instances).where(instances.c.path == self._relative(path)))

    def remove(self, paths: Sequence[Path]) -> None:
        """Remove files, and take them out, in few transactions: one for each would cost more than its file.

        The rows are gone for good once their files are; what comes anew in their place meanwhile is noted after that.
        """
        for start in range(0, len(paths), _BATCH):
            part = paths[start : start + _BATCH]
            with self._engine.begin() as connection:
                connection.execute(delete(instances).where(instances.c.path.in_([self._relative(p) for p in part])))
                for path in part:
                    path.unlink(missing_ok=True)

    def forget_past(self, *, before_s: float) -> None:
        """Forget ended associations and announcements of which nothing is here any more, and journals read to the end.

        Of each process the last journal stays: it is written to, or its number is gone on from.
        """
        with self._engine.begin() as connection:
            here = select(association_studies.c.association).where(
                association_studies.c.study_uid.in_(select(instances.c.study_uid))
            )
            past = (associations.c.ended_at_s < before_s) & associations.c.association.not_in(here)
            gone = select(associations.c.association).where(past)
            connection.execute(delete(association_studies).where(association_studies.c.association.in_(gone)))
            connection.execute(delete(associations).where(past))
            connection.execute(
                delete(announced).where(
                    announced.c.at_s < before_s, announced.c.sop_uid.not_in(select(instances.c.sop_uid))
                )
            )
        for path, following in pairwise(journal_files(self._layout.journal)):
            if process_of(path) == process_of(following):
                self._forget_journal(path, before_s)

    def _forget_journal(self, path: Path, before_s: float) -> None:
        status = status_of(path)
        with self._engine.begin() as connection:
            if status is None or status.st_mtime >= before_s or _position(connection, path.name) < status.st_size:
                return
            path.unlink(missing_ok=True)
            connection.execute(delete(journal_positions).where(journal_positions.c.file == path.name))

    def note(self, path: Path) -> None:
        """Take a file in that was moved here."""
        row = self._row(path)
        if row is None:
            return
        with self._engine.begin() as connection:
            connection.execute(delete(instances).where(instances.c.path == row["path"]))
            connection.execute(insert(instances), [row])

    def files(self, study_uid: str) -> tuple[Path, ...]:
        """Return the current files of a study, sorted by path."""
        query = select(instances.c.path).where(instances.c.study_uid == study_uid, instances.c.place == CURRENT)
        with self._engine.connect() as connection:
            return tuple(self._layout.spool / path for path in connection.scalars(query.order_by(instances.c.path)))

    def everywhere(self, study_uid: str) -> tuple[Path, ...]:
        """Return all files of a study, whatever their place."""
        query = select(instances.c.path).where(instances.c.study_uid == study_uid)
        with self._engine.connect() as connection:
            return tuple(self._layout.spool / path for path in connection.scalars(query.order_by(instances.c.path)))

    def studies(self) -> tuple[str, ...]:
        """Return all studies of which there is a current file."""
        query = select(instances.c.study_uid).where(instances.c.place == CURRENT).distinct()
        with self._engine.connect() as connection:
            return tuple(sorted(connection.scalars(query)))

    def collisions(self) -> tuple[tuple[Path, Path], ...]:
        """Return pairs (earlier, later) of current files with one SOP Instance UID in two series or studies."""
        twice = (
            select(instances.c.sop_uid)
            .where(instances.c.place == CURRENT)
            .group_by(instances.c.sop_uid)
            .having(func.count() > 1)
        )
        query = (
            select(instances.c.sop_uid, instances.c.path)
            .where(instances.c.place == CURRENT, instances.c.sop_uid.in_(twice))
            .order_by(instances.c.sop_uid, instances.c.received_at_s, instances.c.path)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return tuple(
            (self._layout.spool / a.path, self._layout.spool / b.path)
            for a, b in pairwise(rows)
            if a.sop_uid == b.sop_uid
        )

    def arrival(self, study_uid: str) -> StudyArrival | None:
        """Return what is known of a study's arrival, None where nothing of it is there.

        No time in it lies ahead of the clock by more than `_AHEAD_S`: what does, because the clock was set back since,
        is taken to be of now, for good, or the study would wait until the clock has caught up.
        """
        known = self._arrival(study_uid)
        now_s = time.time()
        if known is None or max(known.last_at_s, known.last_ended_at_s, known.sender_heard_at_s) <= now_s + _AHEAD_S:
            return known
        latest_s = max(known.last_at_s, known.last_ended_at_s, known.sender_heard_at_s)
        structlog.get_logger().warning(
            "index.clock_set_back", study_uid=study_uid, ahead_s=round(latest_s - now_s, 1), code="SYS-CLOCK"
        )
        with self._engine.begin() as connection:
            for table, column in _TIMES:
                connection.execute(update(table).where(column > now_s + _AHEAD_S).values({column: now_s}))
        return self._arrival(study_uid)

    def _arrival(self, study_uid: str) -> StudyArrival | None:
        of_study = (instances.c.study_uid == study_uid) & (instances.c.place == CURRENT)
        with self._engine.connect() as connection:
            series = connection.execute(
                select(instances.c.series_uid, func.count(), func.min(instances.c.received_at_s),
                       func.max(instances.c.received_at_s))
                .where(of_study).group_by(instances.c.series_uid).order_by(instances.c.series_uid)
            ).all()  # fmt: skip
            if not series:
                return None
            latest = connection.execute(
                select(instances.c.calling_ae, instances.c.called_ae)
                .where(of_study).order_by(instances.c.received_at_s.desc()).limit(1)
            ).one()  # fmt: skip
            n_open, ended, ended_at_s = _association_state(connection, study_uid)
            heard_at_s = _sender_heard_at_s(connection, study_uid)
            n_announced = connection.scalar(
                select(func.count()).select_from(announced)
                .where(announced.c.sop_uid.in_(select(instances.c.sop_uid).where(of_study)))
            )  # fmt: skip
        return StudyArrival(
            study_uid=study_uid,
            n_by_series=tuple((row[0], row[1]) for row in series),
            first_at_s=min(row[2] for row in series),
            last_at_s=max(row[3] for row in series),
            n_open_associations=n_open,
            sender_heard_at_s=heard_at_s,
            last_ended=ended,
            last_ended_at_s=ended_at_s,
            n_announced=n_announced or None,
            calling_ae=latest.calling_ae,
            called_ae=latest.called_ae,
        )

    def _take(self, connection: Connection, path: Path, line: Line) -> tuple[str, ...]:
        """Take one journal line in, and return the studies that it concerns."""
        return _TAKE[line.event](self, connection, process_of(path), line)

    def _kept(self, connection: Connection, _process: str, line: Line) -> tuple[str, ...]:
        study, association = line.text("study"), line.text("association")
        row = self._row(self._layout.spool / line.text("path"))
        if row is not None:
            connection.execute(delete(instances).where(instances.c.path == row["path"]))
            connection.execute(insert(instances), [row | {"received_at_s": line.at_s}])
        known = select(association_studies).where(
            association_studies.c.association == association, association_studies.c.study_uid == study
        )
        if connection.execute(known).first() is None:
            connection.execute(insert(association_studies).values(association=association, study_uid=study))
        return (study,)

    def _opened(self, connection: Connection, process: str, line: Line) -> tuple[str, ...]:
        connection.execute(delete(associations).where(associations.c.association == line.text("association")))
        connection.execute(
            insert(associations).values(
                association=line.text("association"), process=process, calling_ae=line.text("calling"),
                called_ae=line.text("called"), host=line.text("host"), opened_at_s=line.at_s, n_instances=0,
            )
        )  # fmt: skip
        return ()

    def _ended(self, connection: Connection, _process: str, line: Line) -> tuple[str, ...]:
        connection.execute(
            update(associations)
            .where(associations.c.association == line.text("association"))
            .values(ended_at_s=line.at_s, ended=str(line.event), n_instances=line.number("n_instances"))
        )
        return line.texts("studies")

    def _started(self, connection: Connection, process: str, line: Line) -> tuple[str, ...]:
        left_open = (associations.c.process == process) & (associations.c.ended_at_s.is_(None))
        cut = select(associations.c.association).where(left_open)
        studies = connection.scalars(
            select(association_studies.c.study_uid).where(association_studies.c.association.in_(cut)).distinct()
        ).all()
        connection.execute(update(associations).where(left_open).values(ended_at_s=line.at_s, ended=str(Event.ABORTED)))
        return tuple(studies)

    def _committed(self, connection: Connection, _process: str, line: Line) -> tuple[str, ...]:
        sops = list(dict.fromkeys(line.texts("sops")))
        studies: dict[str, None] = {}
        for start in range(0, len(sops), _BATCH):
            part = sops[start : start + _BATCH]
            connection.execute(delete(announced).where(announced.c.sop_uid.in_(part)))
            rows = [{"sop_uid": sop, "calling_ae": line.text("calling"), "at_s": line.at_s} for sop in part]
            connection.execute(insert(announced), rows)
            query = select(instances.c.study_uid).where(instances.c.sop_uid.in_(part)).distinct()
            studies.update(dict.fromkeys(connection.scalars(query)))
        return tuple(studies)

    def _rows(self) -> Iterator[dict[str, object]]:
        """Describe every file of the spool."""
        for place in _PLACES:
            for path in (self._layout.spool / place).glob(f"*/*/*{SUFFIX}"):
                if (row := self._row(path)) is not None:
                    yield row

    def _row(self, path: Path) -> dict[str, object] | None:
        """Describe one file, None where it is gone or not ours."""
        try:
            uids, meta, status = uids_of(path), read_meta(path), path.stat()
        except (OSError, ValueError, InputRefused):
            return None
        return {
            "path": self._relative(path),
            "place": path.relative_to(self._layout.spool).parts[0],
            "sop_uid": uids.sop,
            "series_uid": uids.series,
            "study_uid": uids.study,
            "sop_class_uid": meta.sop_class_uid,
            "transfer_syntax_uid": meta.transfer_syntax_uid,
            "n_bytes": status.st_size,
            "calling_ae": meta.calling_ae,
            "called_ae": meta.called_ae,
            "received_at_s": min(status.st_mtime, time.time()),
        }

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self._layout.spool))


_TIMES = (
    (instances, instances.c.received_at_s),
    (associations, associations.c.opened_at_s),
    (associations, associations.c.ended_at_s),
)
_TAKE: dict[Event, Callable[[Index, Connection, str, Line], tuple[str, ...]]] = {
    Event.STARTED: Index._started,
    Event.OPENED: Index._opened,
    Event.KEPT: Index._kept,
    Event.COMMITMENT: Index._committed,
    Event.RELEASED: Index._ended,
    Event.ABORTED: Index._ended,
}


def _association_state(connection: Connection, study_uid: str) -> tuple[int, str, float]:
    """Return how many associations that delivered the study are open, and how and when the last one ended."""
    of_study = select(association_studies.c.association).where(association_studies.c.study_uid == study_uid)
    n_open = connection.scalar(
        select(func.count()).select_from(associations)
        .where(associations.c.ended_at_s.is_(None), associations.c.association.in_(of_study))
    )  # fmt: skip
    last = connection.execute(
        select(associations.c.ended, associations.c.ended_at_s)
        .where(associations.c.association.in_(of_study), associations.c.ended_at_s.is_not(None))
        .order_by(associations.c.ended_at_s.desc()).limit(1)
    ).first()  # fmt: skip
    return n_open or 0, (last[0] if last else ""), (last[1] if last else 0.0)


def _sender_heard_at_s(connection: Connection, study_uid: str) -> float:
    """Return when the study's senders last opened another association that is open now, or sent over one; else 0.

    It may still bring instances of this study; but many senders hold one open for good and say nothing over it.
    """
    of_study = select(association_studies.c.association).where(association_studies.c.study_uid == study_uid)
    senders = select(associations.c.calling_ae).where(associations.c.association.in_(of_study))
    others = (
        associations.c.ended_at_s.is_(None)
        & associations.c.calling_ae.in_(senders)
        & associations.c.association.not_in(of_study)
    )
    opened_at_s = connection.scalar(select(func.max(associations.c.opened_at_s)).where(others))
    if opened_at_s is None:
        return 0.0
    sent = select(association_studies.c.study_uid).where(
        association_studies.c.association.in_(select(associations.c.association).where(others))
    )
    sent_at_s = connection.scalar(select(func.max(instances.c.received_at_s)).where(instances.c.study_uid.in_(sent)))
    return max(float(opened_at_s), float(sent_at_s or 0.0))


def _position(connection: Connection, name: str) -> int:
    query = select(journal_positions.c.offset).where(journal_positions.c.file == name)
    return connection.scalar(query) or 0


def _set_position(connection: Connection, name: str, offset: int) -> None:
    connection.execute(delete(journal_positions).where(journal_positions.c.file == name))
    connection.execute(insert(journal_positions).values(file=name, offset=offset))


def _batches(rows: Iterator[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    """Gather rows, so that a large spool is never in memory at once."""
    batch: list[dict[str, object]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
