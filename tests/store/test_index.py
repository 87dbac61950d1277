"""The index: filled by the journal, rebuilt from the files, the same either way."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Engine, delete, func, select
from sqlalchemy.event import listen

from node.store import journal as journal_module
from node.store.database import open_database
from node.store.index import Index
from node.store.journal import Event, Journal, journal_files
from node.store.ledger import Ledger
from node.store.own import KeptResult, OwnResults
from node.store.spool import Kept, Spool
from node.store.tables import announced, association_studies, associations, results
from tests.store.conftest import ct_slice, keep


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A fresh database file."""
    one = open_database(tmp_path / "index.sqlite")
    yield one
    one.dispose()


@pytest.fixture
def index(engine: Engine, spool: Spool) -> Index:
    """An index over an empty spool."""
    return Index(engine, spool.layout)


@pytest.fixture
def journal(spool: Spool) -> Iterator[Journal]:
    """A receiver's journal."""
    one = Journal(spool.layout.journal, "receive-0")
    yield one
    one.close()


def note(journal: Journal, spool: Spool, kept: Kept, association: str = "a1") -> None:
    """Write the line that the receiver writes."""
    path = kept.path.relative_to(spool.layout.spool)
    journal.write(Event.KEPT, association=association, outcome=kept.outcome, study=path.parts[1], path=str(path))


def opened(journal: Journal, association: str = "a1") -> None:
    """Open an association."""
    journal.write(Event.OPENED, association=association, calling="TESTER", called="LUNGNODE", host="127.0.0.1")


def test_following_the_journal_tells_which_studies_something_happened_to(
    index: Index, journal: Journal, spool: Spool, tmp_path: Path
) -> None:
    opened(journal)
    kept = keep(spool, ct_slice(), tmp_path)
    note(journal, spool, kept)
    assert (index.follow_journal(), index.follow_journal()) == (("1.2.3.4",), ())
    assert index.files("1.2.3.4") == (kept.path,)


def test_the_index_rebuilt_from_files_says_the_same(
    index: Index, journal: Journal, spool: Spool, tmp_path: Path
) -> None:
    for _ in range(3):
        note(journal, spool, keep(spool, ct_slice(), tmp_path))
    index.follow_journal()
    followed = (index.studies(), index.files("1.2.3.4"))
    assert index.rebuild() == 3
    assert (index.studies(), index.files("1.2.3.4")) == followed


def test_variants_are_not_current_files(index: Index, spool: Spool, tmp_path: Path) -> None:
    ds = ct_slice()
    first = keep(spool, ds, tmp_path)
    ds.PatientName = "C^D"
    keep(spool, ds, tmp_path)
    assert index.rebuild() == 2
    assert index.files("1.2.3.4") == (first.path,)


def test_an_arrival_counts_series_and_knows_whether_an_association_is_open(
    index: Index, journal: Journal, spool: Spool, tmp_path: Path
) -> None:
    opened(journal)
    for series in ("1.5", "1.5", "1.6"):
        note(journal, spool, keep(spool, ct_slice(SeriesInstanceUID=series), tmp_path))
    index.follow_journal()
    during = index.arrival("1.2.3.4")
    journal.write(Event.RELEASED, association="a1", studies=["1.2.3.4"], n_instances=3)
    assert index.follow_journal() == ("1.2.3.4",)
    after = index.arrival("1.2.3.4")
    assert (during.n_by_series, during.n_open_associations) == ((("1.5", 2), ("1.6", 1)), 1)
    assert (after.n_open_associations, after.last_ended) == (0, "released")


def test_another_open_association_of_the_same_sender_counts_from_when_it_was_last_heard(
    index: Index, journal: Journal, spool: Spool, tmp_path: Path
) -> None:
    opened(journal, "a1")
    note(journal, spool, keep(spool, ct_slice(), tmp_path))
    journal.write(Event.RELEASED, association="a1", studies=["1.2.3.4"], n_instances=1)
    index.follow_journal()
    assert index.arrival("1.2.3.4").sender_heard_at_s == 0.0
    opened(journal, "a2")
    index.follow_journal()
    heard = [index.arrival("1.2.3.4")]
    note(journal, spool, keep(spool, ct_slice(StudyInstanceUID="1.2.3.5"), tmp_path), "a2")
    index.follow_journal()
    heard.append(index.arrival("1.2.3.4"))
    assert [one.n_open_associations for one in heard] == [0, 0]
    assert heard[0].last_at_s < heard[0].sender_heard_at_s < heard[1].sender_heard_at_s
    assert heard[1].sender_heard_at_s == index.arrival("1.2.3.5").last_at_s
    journal.write(Event.RELEASED, association="a2", studies=["1.2.3.5"], n_instances=1)
    index.follow_journal()
    assert index.arrival("1.2.3.4").sender_heard_at_s == 0.0


def test_a_receiver_that_starts_again_ends_what_its_predecessor_left_open(
    index: Index, journal: Journal, spool: Spool, tmp_path: Path
) -> None:
    opened(journal)
    note(journal, spool, keep(spool, ct_slice(), tmp_path))
    index.follow_journal()
    Journal(spool.layout.journal, "receive-0").close()
    assert index.follow_journal() == ("1.2.3.4",)
    arrival = index.arrival("1.2.3.4")
    assert (arrival.n_open_associations, arrival.last_ended) == (0, "aborted")


def test_what_came_before_the_clock_was_set_back_came_now_and_this_is_told_once(
    index: Index, journal: Journal, spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    with monkeypatch.context() as ahead:
        ahead.setattr(time, "time", lambda: real() + 7200.0)
        opened(journal)
        note(journal, spool, keep(spool, ct_slice(), tmp_path))
        journal.write(Event.RELEASED, association="a1", studies=["1.2.3.4"], n_instances=1)
        opened(journal, "a2")
        index.follow_journal()
        assert index.arrival("1.2.3.4").last_at_s > real() + 7000.0
    with structlog.testing.capture_logs() as logged:
        first = index.arrival("1.2.3.4")
        again = index.arrival("1.2.3.4")
    assert max(first.last_at_s, first.last_ended_at_s, first.sender_heard_at_s) <= real()
    assert again == first
    assert [(line["event"], line["code"]) for line in logged] == [("index.clock_set_back", "SYS-CLOCK")]
    assert logged[0]["ahead_s"] == pytest.approx(7200.0, abs=60.0)


def test_a_commitment_request_announces_instances(index: Index, journal: Journal, spool: Spool, tmp_path: Path) -> None:
    ds = ct_slice()
    note(journal, spool, keep(spool, ds, tmp_path))
    journal.write(Event.COMMITMENT, association="a1", calling="TESTER", sops=[ds.SOPInstanceUID])
    assert index.follow_journal() == ("1.2.3.4",)
    assert index.arrival("1.2.3.4").n_announced == 1


def test_one_sop_uid_in_two_studies_is_a_collision(index: Index, spool: Spool, tmp_path: Path) -> None:
    ds = ct_slice()
    first = keep(spool, ds, tmp_path).path
    ds.StudyInstanceUID = "1.2.3.9"
    second = keep(spool, ds, tmp_path).path
    index.rebuild()
    assert [set(pair) for pair in index.collisions()] == [{first, second}]


def test_nothing_is_known_of_a_study_that_never_came(index: Index) -> None:
    assert index.arrival("9.9.9") is None


def test_a_torn_last_line_is_passed_over_and_the_next_process_begins_a_new_one(
    index: Index, journal: Journal, spool: Spool, tmp_path: Path
) -> None:
    path = spool.layout.journal / "receive-0.0.jsonl"
    with path.open("ab") as file:
        file.write(b'{"event":"kept","at_s":1')
    assert index.follow_journal() == ()
    Journal(spool.layout.journal, "receive-0").close()
    note(journal, spool, keep(spool, ct_slice(), tmp_path))
    assert index.follow_journal() == ("1.2.3.4",)


def test_a_moved_file_is_noted_and_forgotten(index: Index, spool: Spool, tmp_path: Path) -> None:
    path = keep(spool, ct_slice(), tmp_path).path
    index.note(path)
    assert index.studies() == ("1.2.3.4",)
    index.forget(path)
    assert index.studies() == ()


def test_many_files_are_removed_in_few_transactions(index: Index, engine: Engine, spool: Spool, tmp_path: Path) -> None:
    first = keep(spool, ct_slice(), tmp_path).path
    paths = [first, *(first.with_name(f"1.2.3.4.5.{n}.dcm") for n in range(100, 699))]
    for path in paths[1:]:
        path.write_bytes(first.read_bytes())
    index.rebuild()
    commits: list[object] = []
    listen(engine, "commit", commits.append)
    index.remove(paths)
    assert (index.everywhere("1.2.3.4"), list(first.parent.iterdir()), len(commits)) == ((), [], 2)


def test_where_a_file_cannot_be_removed_the_index_knows_what_was_to_go(
    index: Index, spool: Spool, tmp_path: Path
) -> None:
    path = keep(spool, ct_slice(), tmp_path).path
    index.note(path)
    stuck = spool.layout.studies / "1.2.3.4" / "x.dcm"
    stuck.mkdir()
    with pytest.raises(OSError, match="x"):
        index.remove([path, stuck])
    assert index.everywhere("1.2.3.4") == (path,)


def test_an_object_is_ours_once_it_was_remembered(engine: Engine, spool: Spool) -> None:
    own = OwnResults(engine, spool.layout)
    path = spool.layout.results / "w" / "seg.dcm"
    result = KeptResult("1.9", "1.8", CT_SEG, "1.2.3.4", "w", "SEG", path)
    assert "1.9" not in own
    own.remember(result)
    own.remember(result)
    assert "1.9" in own
    assert own.of_study("1.2.3.4") == (result,)


def test_own_results_are_remembered_even_where_the_index_was_lost(tmp_path: Path, engine: Engine, spool: Spool) -> None:
    result = KeptResult("1.9", "1.8", CT_SEG, "1.2.3.4", "w", "SEG", spool.layout.results / "w" / "seg.dcm")
    OwnResults(engine, spool.layout).remember(result)
    fresh = open_database(tmp_path / "fresh.sqlite")
    try:
        own = OwnResults(fresh, spool.layout)
        assert (own.rebuild(), "1.9" in own, own.of_study("1.2.3.4")) == (1, True, (result,))
    finally:
        fresh.dispose()


def test_own_results_are_read_from_their_files_only_where_the_table_is_empty(engine: Engine, spool: Spool) -> None:
    one, other = (
        KeptResult(uid, "1.8", CT_SEG, "1.2.3.4", "w", "SEG", spool.layout.results / "w" / "seg.dcm")
        for uid in ("1.9", "1.10")
    )
    own = OwnResults(engine, spool.layout)
    own.remember(one)
    own.remember(other)
    assert own.rebuild_where_lost() == 0
    with engine.begin() as connection:
        connection.execute(delete(results))
    assert (own.rebuild_where_lost(), "1.9" in own, "1.10" in own) == (2, True, True)


def test_decisions_are_kept_in_order_with_their_reasons(engine: Engine) -> None:
    ledger = Ledger(engine)
    ledger.decide("1.2.3.4", "complete", "the count is reached", n=300)
    ledger.decide("1.2.3.4", "reopened", "a late instance")
    assert [(d.kind, d.fields) for d in ledger.decisions("1.2.3.4")] == [("complete", {"n": 300}), ("reopened", {})]


def test_the_newest_reason_about_each_series_is_told(engine: Engine) -> None:
    ledger = Ledger(engine)
    ledger.decide("1.2", "WaitUntil", "quiet is wanted", series_uid="1.2.3")
    ledger.decide("1.2", "Complete", "quiet", series_uid="1.2.3")
    ledger.decide("1.2", "skipped", "no CT", series_uid="1.2.4", code="RT-MODALITY")
    ledger.decide("1.2", "ID-DUPDIFF", "arrived again", sop_uid="1.2.3.9")
    ledger.decide("1.3", "skipped", "another study's", series_uid="1.3.1")
    assert ledger.reasons("1.2") == {"1.2.3": "quiet", "1.2.4": "no CT"}


def test_decisions_that_are_old_are_forgotten_unless_their_subject_is_here_or_is_still_decided_about(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(engine)
    for at_s, subject in ((100.0, "old"), (100.0, "here"), (100.0, "again"), (300.0, "again")):
        monkeypatch.setattr("node.store.ledger.time.time", lambda at_s=at_s: at_s)
        ledger.decide(subject, "skipped", "no CT")
    assert ledger.forget(before_s=200.0, but={"here"}) == 1
    assert [len(ledger.decisions(subject)) for subject in ("old", "here", "again")] == [0, 1, 2]


CT_SEG = "1.2.840.10008.5.1.4.1.1.66.4"


def test_what_is_known_of_associations_and_announcements_goes_with_their_instances(
    engine: Engine, index: Index, journal: Journal, spool: Spool, tmp_path: Path
) -> None:
    for number, association in enumerate(("a1", "a2", "a3")):
        opened(journal, association)
        study = f"1.2.3.{number}"
        ds = ct_slice(StudyInstanceUID=study, SOPInstanceUID=f"1.2.3.9.{number}")
        kept = keep(spool, ds, tmp_path)
        note(journal, spool, kept, association)
        journal.write(Event.COMMITMENT, association=association, calling="TESTER", sops=[ds.SOPInstanceUID])
        if association == "a1":
            gone = kept.path
        if association != "a3":  # still open
            journal.write(Event.RELEASED, association=association, studies=[study], n_instances=1)
    index.follow_journal()
    index.forget(gone)
    gone.unlink()
    index.forget_past(before_s=time.time() - 60.0)
    assert counted(engine) == {"associations": 3, "association_studies": 3, "announced": 3}
    index.forget_past(before_s=time.time() + 60.0)
    assert counted(engine) == {"associations": 2, "association_studies": 2, "announced": 2}
    assert index.arrival("1.2.3.1").last_ended == "released"
    assert index.arrival("1.2.3.2").n_open_associations == 1


def counted(engine: Engine) -> dict[str, int]:
    """Count the rows of the tables about associations."""
    with engine.connect() as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table))
            for table in (associations, association_studies, announced)
        }


def test_a_large_journal_goes_on_in_a_further_file_and_the_first_goes_once_it_was_read(
    index: Index, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "_ROTATE_BYTES", 1000)
    folder = spool.layout.journal
    one = Journal(folder, "receive-0")
    for number in range(100):
        opened(one, f"a{number}")
    files = journal_files(folder)
    assert [path.name for path in files] == [f"receive-0.{n}.jsonl" for n in range(len(files))]
    assert len(files) > 10  # numbers are compared as numbers
    index.forget_past(before_s=time.time() + 60.0)
    assert journal_files(folder) == files  # nobody has read them
    index.follow_journal()
    index.forget_past(before_s=time.time() - 60.0)
    assert journal_files(folder) == files  # too young
    index.forget_past(before_s=time.time() + 60.0)
    assert journal_files(folder) == files[-1:]
    one.close()
    again = Journal(folder, "receive-0")
    opened(again, "last")
    again.close()
    assert journal_files(folder)[0] == files[-1]
    index.follow_journal()
    assert index.follow_journal() == ()


def test_a_journal_that_became_shorter_is_read_from_its_beginning_and_the_files_are_counted(
    index: Index, journal: Journal, spool: Spool, tmp_path: Path
) -> None:
    (file,) = journal_files(spool.layout.journal)
    for _ in range(5):
        note(journal, spool, keep(spool, ct_slice(), tmp_path))
    index.follow_journal()
    os.truncate(file, 60)  # what was not flushed is gone with the power
    unwritten = keep(spool, ct_slice(StudyInstanceUID="1.2.9"), tmp_path)  # its line is gone, too
    again = Journal(spool.layout.journal, "receive-0")
    written = keep(spool, ct_slice(StudyInstanceUID="1.2.10"), tmp_path)
    note(again, spool, written)
    again.close()
    with structlog.testing.capture_logs() as said:
        assert set(index.follow_journal()) == {"1.2.3.4", "1.2.9", "1.2.10"}
    assert [(line["event"], line["code"]) for line in said] == [("index.journal_shorter", "IDX-JOURNAL")]
    assert (index.files("1.2.9"), index.files("1.2.10")) == ((unwritten.path,), (written.path,))
    assert index.follow_journal() == ()
