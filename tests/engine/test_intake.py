"""From the spool to cases: when one begins, what it supersedes, and what holds it back."""

import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import pytest
import structlog
from dbos import DBOS, DBOSClient
from pydicom import dcmread
from pydicom.dataset import Dataset

from node.engine.announced import ask, asked, expect
from node.engine.case_catalogue import CaseCatalogue
from node.engine.case_file import CaseFile, result_folder
from node.engine.counts import Counts
from node.engine.crew import ChildEnded
from node.engine.delivery_file import Delivery, write_delivery
from node.engine.intake import Intake
from node.engine.outbox import publish
from node.engine.pace import Pace
from node.engine.refusal_file import read_refusal
from node.engine.runtime import client, launch
from node.engine.stopped import Stopped, why_stopped
from node.engine.stores import opened_stores
from node.errors import NotYetThere
from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.grid import grid_at
from node.phantom.simple import make_asymmetric
from node.route.case import Known
from node.route.completeness import Action, Limits
from node.route.rules import load_routes
from node.settings import Settings
from node.store.journal import Event, Journal
from node.store.layout import InstanceUids, Layout
from node.store.part10 import FileMeta, encode_meta
from node.store.spool import Spool

PATIENT = Limits(quiet_s=1000.0, maximum_wait_s=5000.0)
AT_ONCE = Limits(quiet_s=0.0, quiet_after_abort_s=0.0, maximum_wait_s=0.001, partner_wait_s=1000.0)


@dataclass
class Site:
    """A data folder, a sender, and an intake that works on it."""

    settings: Settings
    engine: DBOSClient
    intake: Intake
    spool: Spool
    journal: Journal
    failing: set[str] = field(default_factory=set)

    def receive(self, files: list[Path], association: str = "a1", *, end: Event | None = Event.RELEASED) -> None:
        """Keep files as the receiver does."""
        self.journal.write(Event.OPENED, association=association, calling="TESTER", called="NODE", host="h")
        studies = set()
        for path in files:
            ds = dcmread(path)
            raw = path.read_bytes()
            data_set = raw[144 + int.from_bytes(raw[140:144], "little") :]
            head = encode_meta(
                FileMeta(ds.SOPClassUID, ds.SOPInstanceUID, ds.file_meta.TransferSyntaxUID, "TESTER", "NODE")
            )
            incoming = self.spool.begin()
            with open(incoming.descriptor, "wb", closefd=False) as file:
                file.write(head + data_set)
            uids = InstanceUids(ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID)
            kept = self.spool.keep(incoming, uids, len(head))
            self.journal.write(
                Event.KEPT, association=association, outcome=kept.outcome, study=uids.study, series=uids.series,
                sop=uids.sop, path=str(kept.path.relative_to(self.spool.layout.spool)),
            )  # fmt: skip
            studies.add(uids.study)
        if end is not None:
            self.journal.write(end, association=association, studies=sorted(studies), n_instances=len(files))

    @property
    def cases(self) -> tuple[CaseFile, ...]:
        return CaseCatalogue(self.settings.data_dir).all()

    def folder(self, case: CaseFile) -> Path:
        return result_folder(self.settings.data_dir, case.workflow_id)

    def queued(self) -> list[str]:
        return [w.workflow_id for w in self.engine.list_workflows(status=["ENQUEUED"])]

    def waiting(self) -> list[dict]:
        return json.loads((self.settings.data_dir / "engine" / "waiting.json").read_text())


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Sites with limits of their own; a second one on the same folder is a restart."""
    settings = Settings.model_validate({"data_dir": str(tmp_path / "data"), "destinations": []})
    launch(settings)
    DBOS.destroy(destroy_registry=True)
    engine = client(settings)
    Layout(settings.data_dir).create()
    with opened_stores(settings) as stores:

        def make(limits: Limits = AT_ONCE, salt: str = "") -> Site:
            failing: set[str] = set()

            def identify(draft: CaseFile) -> CaseFile:
                if draft.study_instance_uid in failing:
                    raise ChildEnded(9)
                name = json.dumps([salt, draft.identity_revision, draft.anchor.files])
                return replace(draft, workflow_id=sha256(name.encode()).hexdigest())

            intake = Intake(
                settings.data_dir, engine, stores.layout, stores.index, stores.ledger, load_routes(None), limits,
                known=lambda _: Known(), identify=identify, counts=Counts(()), warm=lambda: None,
                pace=Pace(engine, 0.1),
            )  # fmt: skip
            intake.begin()
            journal = Journal(stores.layout.journal, "receive-0")
            return Site(settings, engine, intake, Spool(settings.data_dir), journal, failing)

        yield make
    engine.destroy()


@pytest.fixture
def slices(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., list[Path]]:
    """Writes a series of 12 small slices; `name` makes another folder, other keywords other headers."""

    def write(name: str = "a", n: int = 12, **changes: object) -> list[Path]:
        options = SeriesOptions(study_seed=f"{request.node.name}{os.getpid()}", series_seed=f"{request.node.name}s")
        phantom = make_asymmetric(grid_at((0.0, 0.0, 0.0), (n, 24, 24), (20.0, 12.0, 12.0)))
        return list(write_series(phantom, tmp_path / name, replace(options, **changes)))

    return write


def changed(files: list[Path], folder: Path, change: Callable[[Dataset], None]) -> list[Path]:
    """Copies of files with another content under the same UIDs."""
    folder.mkdir()
    made = []
    for path in files:
        ds = dcmread(path)
        change(ds)
        made.append(folder / path.name)
        ds.save_as(made[-1])
    return made


def uids(files: list[Path]) -> tuple[str, str]:
    ds = dcmread(files[0], stop_before_pixels=True)
    return ds.StudyInstanceUID, ds.SeriesInstanceUID


def deliver_once(site: Site, case: CaseFile) -> None:
    """Make it look as if a destination had been tried."""
    publish(site.folder(case), ())
    write_delivery(site.folder(case), Delivery("pacs", attempts=1))


def test_a_start_forgets_what_a_former_process_waited_for(make_site) -> None:
    site = make_site(PATIENT)
    snapshot = site.settings.data_dir / "engine" / "waiting.json"
    snapshot.write_text('[{"series_instance_uid": "1.2.3", "why": "of before the crash"}]')
    make_site(PATIENT)
    assert site.waiting() == []


def test_a_snapshot_makes_no_folder_where_the_data_folder_is_away(make_site, monkeypatch) -> None:
    intake = make_site().intake
    intake._shown = None  # as in a process that begins
    monkeypatch.setattr(intake.index, "rebuild", lambda: None)
    intake.data_dir.rename(intake.data_dir.with_name("away"))

    with pytest.raises(NotYetThere) as away:
        intake.begin()

    assert away.value.code == "ENV-DATA"
    assert not intake.data_dir.exists()


def test_a_snapshot_that_could_not_be_kept_costs_some_time_and_no_process(make_site, slices, monkeypatch) -> None:
    site = make_site(PATIENT)
    site.receive(slices())

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched, structlog.testing.capture_logs() as said:
        patched.setattr("node.engine.intake.write_json", full)
        site.intake.tick()
    assert [line["code"] for line in said if line["event"] == "engine.intake_failed"] == ["SYS-DISK"]
    assert site.waiting() == []
    for study in site.intake.index.studies():
        site.intake._look_safely(study, set())
    assert len(site.waiting()) == 1


def test_a_quiet_stack_begins_and_is_queued(make_site, slices) -> None:
    site = make_site()
    site.receive(slices())
    site.intake.tick()
    assert site.queued() == [site.cases[0].workflow_id]
    assert len(site.cases[0].anchor.files) == 12


def test_a_case_that_ended_and_of_which_nothing_is_here_is_queued_again_when_it_comes_again(make_site, slices) -> None:
    site = make_site()
    site.receive(slices())
    site.intake.tick()
    (case,) = site.cases
    site.engine.cancel_workflow(case.workflow_id)  # it has ended
    shutil.rmtree(site.folder(case))
    assert site.queued() == []
    make_site().intake.tick()
    assert site.queued() == [case.workflow_id]


def test_a_case_whose_file_is_damaged_is_not_begun_a_second_time(make_site, slices) -> None:
    site = make_site()
    site.receive(slices())
    site.intake.tick()
    (case,) = site.cases
    file = site.folder(case) / "case.json"
    os.truncate(file, file.stat().st_size // 2)
    again = make_site()
    with structlog.testing.capture_logs() as said:
        again.intake.tick()
    assert [line for line in said if line["event"] in ("engine.case_begun", "engine.intake_failed")] == []
    assert site.cases == ()


def test_without_a_count_the_quiet_time_is_waited_for_and_told(make_site, slices) -> None:
    site = make_site(PATIENT)
    site.receive(slices())
    site.intake.tick()
    assert site.cases == ()
    assert site.waiting()[0]["why"] == "1000 s of quiet are wanted"


def test_a_reached_count_begins_at_once(make_site, slices) -> None:
    site, files = make_site(PATIENT), slices()
    expect(site.settings.data_dir, *uids(files), 12)
    site.receive(files, end=None)  # the association is still open: proof before patience
    site.intake.tick()
    assert site.cases[0].why[-1] == "all 12 instances that the plugin knows are here"
    assert site.waiting() == [] if (site.settings.data_dir / "engine" / "waiting.json").exists() else True


@pytest.mark.parametrize("silent", [True, False])
def test_a_sender_that_always_holds_an_association_open_gets_its_result(make_site, slices, silent: bool) -> None:
    site = make_site(replace(AT_ONCE, maximum_wait_s=0.2 if silent else 1000.0))
    site.receive(slices(), end=None if silent else Event.RELEASED)
    site.journal.write(Event.OPENED, association="echoes", calling="TESTER", called="NODE", host="h")
    time.sleep(0.3 if silent else 0.0)
    site.intake.tick()
    case = site.cases[0]
    assert read_refusal(site.folder(case)) is None
    assert ("still open 0.2 s after the last arrival" in case.why[-1]) is silent


def test_a_clock_that_is_set_back_costs_one_quiet_time_and_no_more(
    make_site, slices, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, real = make_site(replace(AT_ONCE, quiet_s=2.0, maximum_wait_s=30.0)), time.time
    with monkeypatch.context() as ahead:
        ahead.setattr(time, "time", lambda: real() + 7200.0)
        site.receive(slices())
        site.intake.tick()
    site.intake.tick()
    assert site.waiting()[0]["until_s"] <= real() + 2.0
    time.sleep(2.1)
    site.intake.tick()
    assert len(site.cases) == 1


def test_a_count_that_is_told_later_is_taken_in(make_site, slices) -> None:
    site, files = make_site(PATIENT), slices()
    site.receive(files)
    site.intake.tick()
    expect(site.settings.data_dir, *uids(files), 12)
    site.intake.tick()
    assert len(site.cases) == 1


def test_another_announced_series_of_the_study_is_waited_for(make_site, slices) -> None:
    site, files = make_site(replace(AT_ONCE, quiet_s=0.0)), slices()
    study, series = uids(files)
    expect(site.settings.data_dir, study, series, 12)
    expect(site.settings.data_dir, study, "1.2.99", 30, "PT")
    site.receive(files)
    site.intake.tick()
    assert site.cases == ()
    (waits,) = site.waiting()
    assert waits["why"].endswith("; waited for: the PT series 1.2.99 of this study, announced with 30 images")
    assert waits["until_s"] == pytest.approx(time.time() + AT_ONCE.partner_wait_s, abs=60.0)


@pytest.mark.parametrize(
    ("told", "partner_wait_s", "begins"), [(0, 1000.0, False), (0, 0.0, True), (17, 1000.0, True), (18, 1000.0, False)],
    ids=["nobody-knows", "waited-long-enough", "these-are-all", "one-is-missing"],
)  # fmt: skip
def test_a_better_series_that_lacks_slices_is_waited_for_and_then_passed_over(
    make_site, slices, told: int, partner_wait_s: float, begins: bool
) -> None:
    site = make_site(replace(AT_ONCE, maximum_wait_s=1000.0, partner_wait_s=partner_wait_s))
    thick = slices(n=16, thickness_mm=10.0)
    thin = slices("b", n=18, thickness_mm=2.0, series_seed="thin")
    if told:
        expect(site.settings.data_dir, *uids(thin), told)
    site.receive([*thick, *thin[:9], *thin[10:]])
    site.intake.tick()
    assert [case.anchor.series_instance_uid for case in site.cases] == ([uids(thick)[1]] if begins else [])
    awaited = f"waited for: more images of series {uids(thin)[1]}, which would be taken instead"
    assert any(awaited in line["why"] for line in site.waiting()) is not begins


@pytest.mark.parametrize("action", Action)
def test_a_whole_series_takes_the_place_of_one_that_did_not_become_complete(make_site, slices, action: Action) -> None:
    site = make_site(replace(AT_ONCE, at_maximum=action))
    thick = slices(n=16, thickness_mm=10.0)
    thin = slices("b", n=18, thickness_mm=2.0, series_seed="thin")
    expect(site.settings.data_dir, *uids(thin), 20)
    expect(site.settings.data_dir, *uids(thick), 16)
    site.receive([*thick, *thin])
    site = make_site(replace(AT_ONCE, at_maximum=action, partner_wait_s=0.0))
    site.intake.tick()
    (case,) = site.cases
    assert case.anchor.series_instance_uid == uids(thick)[1]
    assert read_refusal(site.folder(case)) is None
    (note,) = [n for n in case.series_notes if n.series_instance_uid == uids(thin)[1]]
    assert (note.role, note.reasons[0].text) == (
        "passed-over",
        "18 of 20 instances are here for 0.001 s after the last arrival",
    )


def test_a_restart_writes_no_decision_again_and_a_study_that_comes_back_after_retention_has_its_own(
    make_site, slices, tmp_path: Path
) -> None:
    site, files = make_site(PATIENT), slices()
    others = changed(slices("b", series_seed="mr"), tmp_path / "mr", lambda ds: setattr(ds, "Modality", "MR"))
    study, _ = uids(files)
    site.receive([*files, *others])
    site.intake.tick()
    kept = site.intake.ledger.decisions(study)
    assert {d.kind for d in kept} == {"WaitUntil", "skipped"}
    for _ in range(3):
        make_site(PATIENT).intake.tick()
    assert site.intake.ledger.decisions(study) == kept
    site.intake.ledger.forget(before_s=time.time() + 1.0, but=())
    site.intake._look(study, set())
    assert [(d.kind, d.reason) for d in site.intake.ledger.decisions(study)] == [(d.kind, d.reason) for d in kept]


def test_looking_again_begins_nothing_new_not_even_after_a_restart_or_under_other_settings(make_site, slices) -> None:
    site = make_site()
    site.receive(slices())
    site.intake.tick()
    site.intake.tick()
    for salt in ("", "another model"):
        make_site(salt=salt).intake.tick()
    assert len(site.cases) == 1


def test_the_same_files_again_begin_nothing(make_site, slices) -> None:
    site, files = make_site(), slices()
    site.receive(files)
    site.intake.tick()
    site.receive(files, "a2")
    site.intake.tick()
    assert len(site.cases) == 1


def test_a_late_slice_stops_the_first_run_where_nobody_has_seen_it(make_site, slices) -> None:
    site, files = make_site(), slices()
    site.receive(files[:11])
    site.intake.tick()
    site.receive(files[11:], "a2")
    site.intake.tick()
    first, second = site.cases
    assert why_stopped(site.folder(first))[0] is Stopped.SUPERSEDED
    assert (second.ordinal, second.predecessor) == (1, None)
    assert site.queued() == [second.workflow_id]


def test_a_late_slice_after_a_delivery_names_its_predecessor(make_site, slices) -> None:
    site, files = make_site(), slices()
    site.receive(files[:11])
    site.intake.tick()
    deliver_once(site, site.cases[0])
    site.receive(files[11:], "a2")
    site.intake.tick()
    first, second = site.cases
    assert (second.ordinal, second.predecessor) == (2, first.workflow_id)
    assert why_stopped(site.folder(first)) is None


def correct(ds: Dataset) -> None:
    ds.PatientID = "CORRECTED"


def test_a_corrected_identity_holds_what_is_not_delivered(make_site, slices, tmp_path: Path) -> None:
    site, files = make_site(), slices()
    site.receive(files)
    site.intake.tick()
    site.receive(changed(files[:5], tmp_path / "corrected", correct), "a2")  # the rest of the correction is to come
    site.intake.tick()
    assert [why_stopped(site.folder(c))[0] for c in site.cases] == [Stopped.HELD]
    assert site.queued() == []
    assert "ID-MIXPAT" in str(site.intake.ledger.decisions(uids(files)[0]))


def test_a_wholly_corrected_identity_begins_the_case_anew(make_site, slices, tmp_path: Path) -> None:
    site, files = make_site(), slices()
    site.receive(files)
    site.intake.tick()
    site.receive(changed(files, tmp_path / "corrected", correct), "a2")
    site.intake.tick()
    first, second = site.cases
    assert why_stopped(site.folder(first)) == (Stopped.SUPERSEDED, "ID-CHANGED: begun anew")
    assert (second.identity_revision, second.ordinal) == (1, 1)
    assert site.queued() == [second.workflow_id]


def test_other_pixels_under_a_known_uid_refuse_the_case(make_site, slices, tmp_path: Path) -> None:
    site, files = make_site(PATIENT), slices()
    site.receive(files)
    site.intake.tick()

    def tamper(ds: Dataset) -> None:
        ds.PixelData = bytes(len(ds.PixelData))

    site.receive(changed(files[:1], tmp_path / "tampered", tamper), "a2")
    expect(site.settings.data_dir, *uids(files), 12)
    with structlog.testing.capture_logs() as said:
        site.intake.tick()
    told = [(line["log_level"], line["sop_uid"]) for line in said if line["event"] == "engine.arrived_again_different"]
    assert told == [("warning", dcmread(files[0], stop_before_pixels=True).SOPInstanceUID)]
    refusal = read_refusal(site.folder(site.cases[0]))
    assert refusal.leading.code == "ID-DUPDIFF"


def test_another_transfer_syntax_of_the_same_pixels_is_no_news(make_site, slices) -> None:
    site, files = make_site(), slices()
    site.receive(files)
    site.intake.tick()
    site.receive(slices("compressed", transfer_syntax="1.2.840.10008.1.2.5"), "a2")
    site.intake.tick()
    assert len(site.cases) == 1
    assert list(site.spool.layout.variants.rglob("*.dcm")) == []


@pytest.mark.parametrize(
    ("action", "n_cases"),
    [
        pytest.param(Action.REFUSE, 1, id="refused visibly"),
        pytest.param(Action.PROCESS, 1, id="processed"),
        pytest.param(Action.DROP, 0, id="dropped"),
    ],
)
def test_what_stays_incomplete_ends_as_configured(make_site, slices, action: Action, n_cases: int) -> None:
    site, files = make_site(replace(AT_ONCE, at_maximum=action)), slices()
    expect(site.settings.data_dir, *uids(files), 12)
    site.receive(files[:9])
    deadline_s = time.monotonic() + 10
    while not site.intake.ledger.decisions(uids(files)[0])[-1:] or "GiveUp" not in {
        d.kind for d in site.intake.ledger.decisions(uids(files)[0])
    }:
        assert time.monotonic() < deadline_s
        site.intake.tick()
    assert len(site.cases) == n_cases
    refusals = [read_refusal(site.folder(c)) for c in site.cases]
    expected = ["SYS-INCOMPLETE"] if action is Action.REFUSE else []
    assert [r.leading.code for r in refusals if r is not None] == expected


def test_a_person_may_ask_for_a_series_before_it_is_complete(make_site, slices) -> None:
    site, files = make_site(PATIENT), slices()
    site.receive(files)
    site.intake.tick()
    ask(site.settings.data_dir, uids(files)[1])
    site.intake.tick()
    assert site.cases[0].why[-1] == "asked for by hand"
    assert asked(site.settings.data_dir) == ()


def test_a_study_that_fails_costs_the_others_nothing_and_is_tried_again(make_site, slices) -> None:
    site = make_site()
    broken, good = slices("broken"), slices("good", study_seed="other", series_seed="other")
    site.failing.add(uids(broken)[0])
    site.receive(broken + good)
    site.intake.tick()
    assert [c.study_instance_uid for c in site.cases] == [uids(good)[0]]
    site.failing.clear()
    site.intake._due[uids(broken)[0]] = 0.0
    site.intake.tick()
    assert len(site.cases) == 2


def test_every_decision_is_kept_with_its_reason(make_site, slices) -> None:
    site, files = make_site(PATIENT), slices()
    site.receive(files)
    site.intake.tick()
    site.intake.tick()
    kept = site.intake.ledger.decisions(uids(files)[0])
    assert [(d.kind, d.reason) for d in kept] == [("WaitUntil", "1000 s of quiet are wanted")]


def test_what_retention_removes_meanwhile_does_not_end_intake(make_site, slices, monkeypatch) -> None:
    site, files = make_site(), slices()
    expect(site.settings.data_dir, "1.2.9", "1.2.9.1", 3)
    site.receive(files)
    gone = (site.settings.data_dir / "expected" / "1.2.9", site.spool.layout.journal / "receive-1.0.jsonl")
    gone[1].touch()
    stat, opened = Path.stat, Path.open

    def missing(call: Callable) -> Callable:
        def instead(path: Path, *args: object, **more: object) -> object:
            if path in gone:
                raise FileNotFoundError(path)
            return call(path, *args, **more)

        return instead

    monkeypatch.setattr(Path, "stat", missing(stat))
    monkeypatch.setattr(Path, "open", missing(opened))
    site.intake.tick()
    assert len(site.cases) == 1


def test_a_study_is_forgotten_when_it_waits_for_nothing_and_nothing_more_of_it_comes(
    make_site, slices, monkeypatch
) -> None:
    site = make_site()
    site.receive(slices())
    site.intake.tick()
    assert len(site.cases) == 1
    assert len(site.intake._facts) == 1  # more of it may be coming
    now_s = time.time()
    monkeypatch.setattr("node.engine.intake.time.time", lambda: now_s + 100.0)
    site.intake.tick()
    assert site.intake._facts == site.intake._last_at_s == {}


def test_a_study_that_waits_is_not_forgotten(make_site, slices, monkeypatch) -> None:
    site = make_site(PATIENT)
    site.receive(slices())
    site.intake.tick()
    now_s = time.time()
    monkeypatch.setattr("node.engine.intake.time.time", lambda: now_s + 100.0)
    site.intake.tick()
    assert len(site.intake._facts) == 1


def test_a_wish_for_a_study_that_is_not_here_is_looked_at_once_and_granted_when_the_study_comes(
    make_site, slices, monkeypatch
) -> None:
    site, files = make_site(PATIENT), slices()
    hurried: list[None] = []
    monkeypatch.setattr(site.intake.pace, "hurry", lambda: hurried.append(None))
    ask(site.settings.data_dir, uids(files)[0])
    for _ in range(3):
        site.intake.tick()
    assert len(hurried) == 1 + 1  # the wish, and the journal at the start
    site.receive(files)
    site.intake.tick()
    assert site.cases[0].why[-1] == "asked for by hand"
    assert asked(site.settings.data_dir) == ()


def test_a_wish_for_a_study_that_fails_is_tried_again_in_its_time(make_site, slices) -> None:
    site, files = make_site(PATIENT), slices()
    site.receive(files)
    site.failing.add(uids(files)[0])
    ask(site.settings.data_dir, uids(files)[0])
    for _ in range(3):
        with structlog.testing.capture_logs() as said:
            site.intake.tick()
    assert said == []
    site.failing.clear()
    site.intake._due[uids(files)[0]] = 0.0
    site.intake.tick()
    assert len(site.cases) == 1


def test_a_wish_for_a_study_that_never_comes_is_forgotten(make_site, monkeypatch) -> None:
    site = make_site()
    ask(site.settings.data_dir, "1.2.9")
    site.intake.tick()
    assert len(asked(site.settings.data_dir)) == 1
    now_s = time.time()
    monkeypatch.setattr("node.engine.intake.time.time", lambda: now_s + 90000.0)
    site.intake.tick()
    assert asked(site.settings.data_dir) == ()


def test_of_a_study_that_cannot_be_read_that_is_decided(make_site, slices) -> None:
    site, files = make_site(), slices(n=1)
    study = uids(files)[0]
    site.receive(files)
    (kept,) = site.spool.layout.studies.rglob("*.dcm")
    kept.write_bytes(kept.read_bytes()[:400])
    for _ in range(2):
        site.intake.tick()
        site.intake._due[study] = 0.0
    assert [(d.kind, d.reason) for d in site.intake.ledger.decisions(study)] == [
        ("skipped", "none of its files can be read")
    ]
