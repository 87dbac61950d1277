"""From the spool to cases: what arrived, what is complete, what begins, and why everything else waits.

One process at a time does this, however many workers there are. The files are the truth: at the start all studies are
looked at; after that the journal says which ones changed.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import structlog
from dbos import DBOSClient
from sqlalchemy.exc import SQLAlchemyError

from node.engine.announced import Asked, answered, asked, expected, studies_told_of
from node.engine.case_catalogue import CaseCatalogue
from node.engine.case_file import CaseFile, SourceSeries
from node.engine.case_start import Decided, Identify, source_of, start
from node.engine.corrections import Corrections, Judge
from node.engine.counts import Counts
from node.engine.crew import ChildEnded, StepOverTime
from node.engine.files import write_json
from node.engine.full_disk import FULL, is_full
from node.engine.pace import Pace
from node.engine.rejections import Rejections
from node.engine.stopped import Stopped, stop
from node.engine.study_view import FactsOfStudy, arrival_of, may_grow
from node.engine.variants import judge_all, revisions
from node.errors import Code, LungnodeError, Reason, refuse, warn
from node.facts.series import SeriesFacts
from node.route.case import Case, Known, Passed, Role, Selection
from node.route.completeness import (
    COUNTS_APART_S,
    Action,
    Arrival,
    Complete,
    CountAnswer,
    Decision,
    GiveUp,
    Limits,
    WaitUntil,
    decide,
    known_count,
)
from node.route.prefer import can_be_read
from node.route.route import Routes
from node.route.select import select
from node.store.database import tells_damage
from node.store.index import Index, StudyArrival
from node.store.layout import Layout
from node.store.ledger import Ledger
from node.store.quarantine import quarantined
from node.store.settle import Judgement, Settled
from node.store.status import status_of

_TRY_AGAIN_S = 30.0  # after a failure that is not the study's fault
_RESULT_SOON_S = 2.0  # until a reader's segmentation is looked at again whose case is at work
_STILL_COMING_S = 60.0  # how long headers are kept in memory after the last instance: reading them again costs time
_WISH_KEPT_S = 86400.0  # for a study that does not come
_SNAPSHOT = Path("engine") / "waiting.json"


@dataclass
class Intake:
    """The studies that are open, and what they wait for."""

    data_dir: Path
    engine: DBOSClient
    layout: Layout
    index: Index
    ledger: Ledger
    routes: Routes
    limits: Limits
    known: Callable[[StudyArrival], Known]
    identify: Identify
    counts: Counts
    warm: Callable[[], None]
    pace: Pace
    judge: Judge | None = None  # of readers' segmentations; None passes them over
    beat: Callable[[], None] = lambda: None  # a sign of life
    _cases: CaseCatalogue = field(init=False)
    _corrections: Corrections | None = field(init=False)
    _rejections: Rejections = field(init=False)
    _facts: dict[str, FactsOfStudy] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)  # study -> when to look at it again
    _last_at_s: dict[str, float] = field(default_factory=dict)  # study -> when its last instance had come
    _first: bool = True
    _ticked_s: float = 0.0
    _journal_bytes: int = -1
    _told: dict[str, int] = field(default_factory=dict)
    _wishes: frozenset[Asked] = frozenset()  # those whose studies were looked at
    _waiting: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    _shown: list[dict[str, object]] | None = None  # the snapshot as it lies on disk; None: of a former process, if any

    def __post_init__(self) -> None:
        self._cases = CaseCatalogue(self.data_dir)
        self._rejections = Rejections(self.data_dir, self.engine, self.layout, self.index, self.ledger, self._cases)
        judge = self.judge
        self._corrections = None if judge is None else Corrections(self.data_dir, self.ledger, judge, self._cases)

    def begin(self) -> None:
        """Count the files again and look at every study."""
        self.index.rebuild()
        self._due = dict.fromkeys(self.index.studies(), 0.0)
        self._show_waiting()

    def tick(self) -> None:
        """Take in what happened, and look at the studies that it or the time concerns."""
        now_s = time.time()
        if now_s < self._ticked_s:  # the clock was set back: when to look again was said by the former one
            self._due = dict.fromkeys(self._due, now_s)
        self._ticked_s = now_s
        touched = dict.fromkeys((*self._arrived(), *self._newly_told(), *self._newly_counted()))
        if touched or self._first:
            self._first = False
            touched |= dict.fromkeys(self._judge_variants())
        newly_wished = self._newly_wished(now_s)
        wishes = {wish.uid for wish in self._wishes}
        due = [study for study, at_s in self._due.items() if at_s <= now_s]
        for study in dict.fromkeys((*touched, *due, *newly_wished)):
            self._look_safely(study, wishes)
            self._forget_past(now_s)
        self._forget_past(now_s)

    def _look_safely(self, study: str, wishes: set[str]) -> None:
        """Look at a study; a failure costs this study some time, and the others nothing."""
        self.beat()
        self._due.pop(study, None)
        try:
            self._look(study, wishes)
            self._show_waiting()
        except (LungnodeError, OSError, SQLAlchemyError, ChildEnded, StepOverTime) as error:
            if tells_damage(error):
                raise  # of a database: every other study would meet it, too
            code = error.code if isinstance(error, LungnodeError) else FULL if is_full(error) else type(error).__name__
            structlog.get_logger().error("engine.intake_failed", study_uid=study, code=code)
            self._due[study] = time.time() + _TRY_AGAIN_S

    def _show_waiting(self) -> None:
        """Keep what is waited for, for the page and `jobs list`, where it is not what lies there."""
        waiting = [line for lines in self._waiting.values() for line in lines]
        if waiting != self._shown:
            self.layout.must_be_there()  # writing would make the folder of one that is away anew
            write_json(self.data_dir / _SNAPSHOT, waiting)
            self._shown = waiting

    def _forget_past(self, now_s: float) -> None:
        """Forget the headers of studies that wait for nothing and of which nothing has come for a while."""
        past = [s for s, at_s in self._last_at_s.items() if s not in self._due and now_s - at_s > _STILL_COMING_S]
        for study in past:
            del self._last_at_s[study]
            self._facts.pop(study, None)

    def _look(self, study: str, wishes: set[str]) -> None:
        self._waiting.pop(study, None)
        arrival = self.index.arrival(study)
        if arrival is None:
            self._last_at_s.pop(study, None)
            self._facts.pop(study, None)
            return
        self._last_at_s[study] = arrival.last_at_s
        series = self._facts.setdefault(study, FactsOfStudy()).series(self.index.files(study))
        if self._rejections.look(series):
            series = self._facts[study].series(self.index.files(study))
        if not series and not self.ledger.decisions(study):  # retention removes nothing of which nothing was decided
            self.ledger.decide(study, "skipped", "none of its files can be read")
        wished = [s for s in series if s.series_instance_uid in wishes]
        by_hand = bool(wished) or study in wishes
        selection = select(wished or series, self.routes, self._known(arrival, series))
        if not by_hand:
            selection = self._without_incomplete(selection, series, arrival)
        self._tell_passed(study, selection)
        for case in selection.cases:
            self._consider(case, selection, arrival, by_hand=by_hand)
        if self._corrections is not None and self._corrections.look(study, selection.passed):
            again_s = time.time() + _RESULT_SOON_S
            self._due[study] = min(again_s, self._due.get(study, again_s))
        for uid in wishes & {study, *(s.series_instance_uid for s in series)}:
            answered(self.data_dir, uid)

    def _consider(self, case: Case, selection: Selection, arrival: StudyArrival, *, by_hand: bool) -> None:
        """Decide whether a case is complete, unless it is the one that was begun last."""
        study = arrival.study_uid
        revision = self._revision(case)
        if not by_hand and self._is_begun(case, arrival, revision):
            return
        seen = self._seen(case, arrival)
        decision: Decision = Complete("asked for by hand") if by_hand else decide(seen, self.limits, time.time())
        self._tell(study, case.anchor.series_instance_uid, decision)
        match decision:
            case WaitUntil():
                self._wait(case, decision)
            case Complete(why=why):
                self._begin(case, selection, arrival, why, revision, proved=known_count(seen.counts) is not None)
            case GiveUp(action=Action.DROP):
                structlog.get_logger().warning("engine.case_dropped", study_uid=study, code=Code.SYS_INCOMPLETE.value)
            case GiveUp(why=why, action=action):
                incomplete = (refuse(Code.SYS_INCOMPLETE, why),) if action is Action.REFUSE else ()
                self._begin(case, selection, arrival, why, revision, proved=True, refused_by=incomplete)

    def _without_incomplete(
        self, selection: Selection, series: tuple[SeriesFacts, ...], arrival: StudyArrival
    ) -> Selection:
        """Let another series of the study that can be read take the place of one that did not become complete."""
        for case in selection.cases:
            decision = decide(self._seen(case, arrival), self.limits, time.time())
            if not isinstance(decision, GiveUp):
                continue
            rest = select([s for s in series if s is not case.anchor], self.routes, self._known(arrival, series))
            if any(other.route == case.route and can_be_read(other.anchor) for other in rest.cases):
                left = Passed(case.anchor, (warn(Code.SYS_INCOMPLETE, decision.why),), Role.PASSED_OVER)
                return Selection(rest.cases, (*rest.passed, left))
        return selection

    def _seen(self, case: Case, arrival: StudyArrival) -> Arrival:
        """Return what is known of the arrival of a case, and whether a better series may still become whole."""
        told = expected(self.data_dir, arrival.study_uid)
        counts = self._counts(case.anchor, arrival)
        better = case.awaited
        if better is not None and not may_grow(better, told, self._counts(better, arrival)):
            better = None
        return arrival_of(case.anchor, arrival, told, counts, better=better)

    def _begin(
        self,
        case: Case,
        selection: Selection,
        arrival: StudyArrival,
        why: str,
        revision: int,
        *,
        proved: bool,
        refused_by: tuple[Reason, ...] = (),
    ) -> None:
        twice = self._quarantined_in(case)
        if twice:
            text = f"{len(twice)} instances arrived again with other pixels or geometry under the same UID"
            refused_by = (refuse(Code.ID_DUPDIFF, text), *refused_by)
        decided = Decided(case, selection, why, proved, refused_by, revision, arrival.last_at_s)
        begun = start(self._cases, self.engine, decided, self.identify, datetime.now(UTC).astimezone())
        if begun is None:
            self.ledger.decide(case.anchor.study_instance_uid, "no-op", "the same case was begun before")

    def _is_begun(self, case: Case, arrival: StudyArrival, revision: int) -> bool:
        """Whether nothing new has come since the newest run of this analysis; settings do not re-open history."""
        before = self._cases.newest_like(_as_file(case, self.data_dir))
        if before is None:
            return False
        same_files = _sources(before) == _sources(_as_file(case, self.data_dir))
        nothing_new = same_files or arrival.last_at_s <= before.arrived_until_s
        return nothing_new and revision <= before.identity_revision

    def _judge_variants(self) -> list[str]:
        """Judge re-sent instances; a corrected identity holds what is not delivered yet."""
        touched = []
        for settled in judge_all(self.layout, self.index):
            study = settled.uids.study
            touched.append(study)
            if settled.judgement is not Judgement.DUPLICATE:
                self.ledger.decide(study, settled.judgement.value, "arrived again", sop_uid=settled.uids.sop)
            if settled.judgement is Judgement.DIFFERENT:
                structlog.get_logger().warning(
                    "engine.arrived_again_different",
                    study_uid=study,
                    sop_uid=settled.uids.sop,
                    code=Code.ID_DUPDIFF.value,
                )
            if settled.judgement is Judgement.CHANGED:
                touched += self._hold(settled)
        return touched

    def _hold(self, settled: Settled) -> list[str]:
        """Hold the undelivered results of every study that the corrected instance belonged to."""
        former = settled.other.parent.parent.name if settled.other else settled.uids.study
        for study in {former, settled.uids.study}:
            for case in self._cases.of_study(study):
                if settled.uids.sop in {uid for uid, _ in case.anchor.files}:
                    why = "ID-CHANGED: the source corrected the identity of its instances"
                    stop(self.data_dir, self.engine, case.workflow_id, Stopped.HELD, why)
        return [former]

    def _revision(self, case: Case) -> int:
        corrected = revisions(self.layout)
        if not corrected:
            return 0
        return max(corrected.get(f.facts.sop_instance_uid, 0) for f in case.anchor.files)

    def _quarantined_in(self, case: Case) -> frozenset[str]:
        twice = quarantined(self.layout)
        return twice & {f.facts.sop_instance_uid for s in (case.anchor, *case.partners) for f in s.files}

    def _known(self, arrival: StudyArrival, series: tuple[SeriesFacts, ...]) -> Known:
        """Say what routing cannot see in the headers; a series that also stands in another study is named."""
        known = replace(self.known(arrival), rejected_uids=self._rejections.rejected)
        elsewhere = frozenset(
            s.series_instance_uid
            for s in series
            if sum(1 for _ in self.layout.studies.glob(f"*/{s.series_instance_uid}")) > 1
        )
        return replace(known, series_elsewhere=elsewhere) if elsewhere else known

    def _arrived(self) -> tuple[str, ...]:
        """Follow the journal, but only where it has grown: an idle node must cost nothing."""
        statuses = (status_of(path) for path in self.layout.journal.glob("*.jsonl"))
        size_bytes = sum(status.st_size for status in statuses if status is not None)
        if size_bytes == self._journal_bytes:
            return ()
        self._journal_bytes = size_bytes
        self.warm()
        self.pace.hurry()
        return self.index.follow_journal()

    def _counts(self, series: SeriesFacts, arrival: StudyArrival) -> tuple[CountAnswer, ...]:
        return self.counts.answers(arrival.study_uid, series.series_instance_uid, arrival.calling_ae)

    def _newly_counted(self) -> list[str]:
        studies = []
        while not self.counts.news.empty():
            studies.append(self.counts.news.get())
        return studies

    def _newly_told(self) -> list[str]:
        now = studies_told_of(self.data_dir)
        changed = [study for study, stamp in now.items() if self._told.get(study) != stamp]
        self._told = now
        return changed

    def _newly_wished(self, now_s: float) -> list[str]:
        """Return the studies that wishes of this moment mean; an older wish waits for its study to come or be due."""
        here = frozenset(asked(self.data_dir))
        past = frozenset(wish for wish in here if now_s - wish.at_s > _WISH_KEPT_S)
        for wish in past:
            answered(self.data_dir, wish.uid)
        uids = {wish.uid for wish in here - past - self._wishes}
        self._wishes = here - past
        if not uids:
            return []
        self.pace.hurry()
        return [
            study
            for study in self.index.studies()
            if study in uids or any((self.layout.studies / study / uid).exists() for uid in uids)
        ]

    def _wait(self, case: Case, decision: WaitUntil) -> None:
        study = case.anchor.study_instance_uid
        at_s = decision.at_s
        if self.counts.asks_anybody:
            at_s = min(at_s, time.time() + COUNTS_APART_S)
        self._due[study] = min(at_s, self._due.get(study, at_s))
        line = {
            "study_instance_uid": study,
            "series_instance_uid": case.anchor.series_instance_uid,
            "route": case.route,
            "n_instances": case.anchor.n_instances,
            "why": decision.why,
            "until_s": decision.at_s,
        }
        self._waiting.setdefault(study, []).append(line)

    def _tell(self, study: str, series_uid: str, decision: Decision) -> None:
        """Keep a decision with its reason, once: what stands there from before a restart is not written again."""
        if self.ledger.reasons(study).get(series_uid) != decision.why:
            kind = type(decision).__name__
            self.ledger.decide(study, kind, decision.why, series_uid=series_uid)

    def _tell_passed(self, study: str, selection: Selection) -> None:
        kept = self.ledger.reasons(study)
        for passed in selection.passed:
            uid, leading = passed.series.series_instance_uid, passed.reasons[0]
            if kept.get(uid) == leading.text:
                continue
            self.ledger.decide(study, passed.role.value, leading.text, series_uid=uid, code=leading.code.value)
            if passed.role is Role.REFUSED:
                structlog.get_logger().error(
                    "engine.series_refused", study_uid=study, series_uid=uid, code=leading.code.value
                )


def _as_file(case: Case, data_dir: Path) -> CaseFile:
    anchor = source_of(case.anchor, data_dir)
    partners = tuple(source_of(p, data_dir) for p in case.partners)
    study = case.anchor.study_instance_uid
    return CaseFile("", study, case.route, anchor, partners, case.lungs, case.lesions, "normal", None, ())


def _sources(case: CaseFile) -> tuple[SourceSeries, ...]:
    return (case.anchor, *case.partners)
