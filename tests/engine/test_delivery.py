"""One attempt and what follows from it: what is there is not sent again, and success is not believed."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from node.deliver.commitment import NotRequested, Requested
from node.deliver.receipt import Outgoing, Receipt, State, credentials_refused
from node.engine.alerts import alert_of
from node.engine.delivery import Ways, all_retryable, attempt, decide
from node.engine.delivery_file import Delivery, Stage
from node.engine.jobs import _begun_again
from node.errors import LungnodeError, Misconfigured, WorldUnavailable
from node.settings import Destination
from node.store.commitments import CommitmentAnswer

OBJECTS = tuple(Outgoing(k, Path(k), "1.2", f"1.{i}", f"2.{i}", "3") for i, k in enumerate(("SEG", "SR"), start=1))
NO_SERVICE = NotRequested("context-refused", "")
STORED, LATER, NEVER = State.STORED, State.RETRYABLE, State.PERMANENT


@dataclass
class World:
    """A destination as a value: what it answers, what it holds, what it was asked."""

    answers: dict[str, State] = field(default_factory=dict)
    held: frozenset[str] | None = None
    login_refused: bool = False
    commitment: Requested | NotRequested = NO_SERVICE
    committed_later: CommitmentAnswer | None = None
    sent: list[str] = field(default_factory=list)
    transactions: list[str] = field(default_factory=list)
    studies: frozenset[str] = frozenset(("3",))
    unasked: LungnodeError | None = None

    def ways(self) -> Ways:
        def send(objects, _destination):
            self.sent += [o.sop_instance_uid for o in objects]
            return tuple(Receipt(o.sop_instance_uid, self.answers[o.sop_instance_uid], "s") for o in objects)

        def ask_back(objects, _destination):
            if self.login_refused:
                raise Misconfigured("DLV-AUTH", "the destination refuses the credentials")
            return None if self.held is None else self.held & {o.sop_instance_uid for o in objects}

        def request(_objects, _destination, transaction):
            self.transactions.append(transaction)
            return self.commitment

        def holds_study(study, _destination):
            if self.unasked is not None:
                raise self.unasked
            return study in self.studies

        return Ways(send, ask_back, request, lambda _transaction: self.committed_later, holds_study)


def there(**more: object) -> Destination:
    return Destination.model_validate({"name": "d", "kind": "stow", "url": "http://h", "first_retry_s": 1} | more)


def asked(**more: object) -> Destination:
    """Return one that is asked for storage commitment, which DIMSE alone has."""
    peer = {"name": "d", "kind": "cstore", "host": "h", "port": 104, "ae_title": "PACS", "commitment": "ask"}
    return Destination.model_validate(peer | {"first_retry_s": 1} | more)


def run(world: World, before: Delivery, destination: Destination, now_s: float = 0.0) -> Delivery:
    tried = attempt(before, OBJECTS, destination, world.ways(), now_s=now_s, keep=lambda _: None)
    return decide(tried, OBJECTS, destination, now_s=now_s, jitter=0.0)


def test_stored_and_found_is_safe() -> None:
    world = World({"1.1": STORED, "1.2": STORED}, held=frozenset(("1.1", "1.2")))
    assert run(world, Delivery("d"), there()).stage is Stage.SAFE


def test_stored_but_not_found_is_sent_again() -> None:
    world = World({"1.1": STORED, "1.2": STORED}, held=frozenset(("1.1",)))
    first = run(world, Delivery("d"), there())
    assert (first.stage, first.receipts["1.2"].status) == (Stage.WAITING, "not-found")
    world.held = frozenset(("1.1", "1.2"))
    assert run(world, first, there()).stage is Stage.SAFE
    assert world.sent == ["1.1", "1.2"]  # the second attempt found it by asking first


def test_what_is_called_stored_and_never_found_is_sent_twice_then_only_asked_for_and_given_up_in_time() -> None:
    world = World({"1.1": STORED, "1.2": STORED}, held=frozenset(("1.1",)))
    delivery = Delivery("d")
    for n in range(6):
        delivery = run(world, delivery, there(), now_s=10.0 * n)
    assert (delivery.stage, world.sent) == (Stage.WAITING, ["1.1", "1.2", "1.2"])
    dead = run(world, delivery, there(), now_s=1e9)
    alert = alert_of("0" * 64, dead)
    assert alert is not None
    assert "see confirm of destination 'd'" in alert.next_step
    run(world, _begun_again(dead), there())
    assert world.sent == ["1.1", "1.2", "1.2", "1.2"]  # a person's order sends it anew
    world.held = frozenset(("1.1", "1.2"))
    assert run(world, delivery, there()).stage is Stage.SAFE


def test_credentials_that_are_refused_when_asking_back_alert_until_they_are_corrected() -> None:
    world = World({"1.1": STORED, "1.2": STORED}, held=frozenset(("1.1", "1.2")), login_refused=True)
    first = run(world, Delivery("d"), there(longest_retry_s=500))
    alert = alert_of("0" * 64, first)
    assert alert is not None
    assert alert.code == "DLV-AUTH"
    assert first.next_s == 500.0  # many archives lock an account that tries too often
    world.login_refused = False
    second = run(world, first, there())
    assert (second.stage, alert_of("0" * 64, second)) == (Stage.SAFE, None)
    assert world.sent == ["1.1", "1.2"]  # what was stored is not sent again


def test_what_cannot_be_asked_for_waits_and_is_not_sent_twice() -> None:
    world = World({"1.1": STORED, "1.2": STORED}, held=None)
    second = run(world, run(world, Delivery("d"), there()), there())
    assert second.stage is Stage.WAITING
    assert world.sent == ["1.1", "1.2"]
    assert "could not be asked" in second.why


def test_an_answer_is_believed_where_the_settings_say_so() -> None:
    world = World({"1.1": STORED, "1.2": STORED}, held=None)
    assert run(world, Delivery("d"), there(confirm="none")).stage is Stage.SAFE


def test_only_what_failed_is_sent_again() -> None:
    world = World({"1.1": STORED, "1.2": LATER}, held=frozenset(("1.1",)))
    first = run(world, Delivery("d"), there())
    world.answers["1.2"], world.held = STORED, frozenset(("1.1", "1.2"))
    world.held = frozenset(("1.1",))
    run(world, first, there())
    assert world.sent == ["1.1", "1.2", "1.2"]


def test_a_refusal_that_stays_is_a_dead_letter_once_the_rest_is_safe() -> None:
    world = World({"1.1": NEVER, "1.2": STORED}, held=frozenset(("1.2",)))
    ended = run(world, Delivery("d"), there())
    assert ended.stage is Stage.DEAD
    assert ended.why == "SEG: s"


def test_a_delivery_is_given_up_after_its_time() -> None:
    world = World({"1.1": LATER, "1.2": LATER}, held=frozenset())
    waiting = run(world, Delivery("d"), there(give_up_after_s=100), now_s=99)
    assert waiting.stage is Stage.WAITING
    assert run(world, waiting, there(give_up_after_s=100), now_s=101).stage is Stage.DEAD


@pytest.mark.parametrize(
    ("status", "fails_everybody", "stage"),
    [
        ("connect", True, Stage.WAITING),
        ("HTTP 503", True, Stage.WAITING),
        ("connect", False, Stage.DEAD),  # it takes others: this case is at fault
        ("0xA700", True, Stage.DEAD),  # it is there, and says why it takes nothing
    ],
)
def test_a_destination_that_is_not_there_is_waited_for(status: str, fails_everybody: bool, stage: Stage) -> None:
    answers = tuple(Receipt(o.sop_instance_uid, LATER, status) for o in OBJECTS)
    tried = Delivery("d", attempts=9).with_receipts(answers)
    ended = decide(tried, OBJECTS, there(give_up_after_s=100), now_s=101, jitter=0.0, fails_everybody=fails_everybody)
    assert ended.stage is stage


def test_a_destination_that_is_down_over_a_weekend_costs_no_dead_letter() -> None:
    assert there().give_up_after_s == 7 * 86400


def test_the_wait_grows_to_its_limit() -> None:
    world = World({"1.1": LATER, "1.2": LATER}, held=frozenset())
    waits, delivery = [], Delivery("d")
    for _ in range(5):
        delivery = run(world, delivery, there(longest_retry_s=4))
        waits.append(delivery.next_s)
    assert waits == [0.5, 1.0, 2.0, 2.0, 2.0]  # the lower half of 1, 2, 4, 4, 4: no jitter here


def test_a_longer_wait_that_was_asked_for_is_kept() -> None:
    answers = (Receipt("1.1", LATER, "HTTP 503", retry_after_s=60.0), Receipt("1.2", LATER, "HTTP 503"))
    delivery = Delivery("d", attempts=1).with_receipts(answers)
    assert decide(delivery, OBJECTS, there(), now_s=10.0, jitter=0.0).next_s == 70.0


def test_nothing_for_a_destination_is_safe_at_once() -> None:
    ended = decide(Delivery("d"), (), there(), now_s=0, jitter=0)
    assert ended.stage is Stage.SAFE


def test_commitment_is_what_makes_safe_where_it_is_asked_for() -> None:
    world = World({"1.1": STORED, "1.2": STORED}, commitment=Requested(CommitmentAnswer(frozenset(("1.1", "1.2")), {})))
    assert run(world, Delivery("d"), asked()).stage is Stage.SAFE


def test_a_transaction_is_kept_before_it_is_asked_and_its_answer_may_come_later() -> None:
    world = World({"1.1": STORED, "1.2": STORED}, commitment=Requested(None))
    kept: list[Delivery] = []
    first = attempt(Delivery("d"), OBJECTS, asked(), world.ways(), now_s=0, keep=kept.append)
    assert kept[-1].transaction_uid == world.transactions[0]
    waiting = run(world, first, asked())
    assert (waiting.stage, len(world.transactions)) == (Stage.WAITING, 1)
    world.committed_later = CommitmentAnswer(frozenset(("1.1", "1.2")), {})
    assert run(world, waiting, asked()).stage is Stage.SAFE


def test_an_answer_that_never_comes_is_asked_for_anew_after_a_day() -> None:
    world = World({"1.1": STORED, "1.2": STORED}, commitment=Requested(None))
    first = run(world, Delivery("d"), asked(give_up_after_s=1e6))
    run(world, first, asked(give_up_after_s=1e6), now_s=86401)
    assert len(set(world.transactions)) == 2


def test_an_object_that_the_archive_lost_is_sent_again_and_one_it_cannot_keep_is_not() -> None:
    world = World(
        {"1.1": STORED, "1.2": STORED},
        held=frozenset(),
        commitment=Requested(CommitmentAnswer(frozenset(), {"1.1": 0x0112, "1.2": 0x0122})),
    )
    first = run(world, Delivery("d"), asked())
    assert first.receipts["1.1"].state is LATER
    assert first.receipts["1.2"].state is NEVER


def test_an_archive_without_commitment_is_asked_by_query() -> None:
    world = World({"1.1": STORED, "1.2": STORED}, held=frozenset(("1.1", "1.2")))
    assert run(world, Delivery("d"), asked()).stage is Stage.SAFE


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param((LATER, LATER), True, id="nothing was taken"),
        pytest.param((LATER, STORED), False, id="something was taken"),
        pytest.param((NEVER, LATER), False, id="one was judged"),
    ],
)
def test_only_a_destination_that_takes_nothing_counts_as_broken(states: tuple[State, State], expected: bool) -> None:
    receipts = tuple(Receipt(o.sop_instance_uid, s, "x") for o, s in zip(OBJECTS, states, strict=True))
    assert all_retryable(Delivery("d").with_receipts(receipts), OBJECTS) is expected


def test_refused_credentials_are_tried_again_only_after_the_longest_wait() -> None:
    refused = tuple(credentials_refused(o.sop_instance_uid, 401) for o in OBJECTS)
    delivery = Delivery("d", attempts=1).with_receipts(refused)
    waiting = decide(delivery, OBJECTS, there(longest_retry_s=900), now_s=0.0, jitter=0.0)
    assert (waiting.stage, waiting.next_s) == (Stage.WAITING, 900.0)
    alert = alert_of("a" * 64, waiting)
    assert alert is not None
    assert (alert.code, alert.destination) == ("DLV-AUTH", "d")


def test_a_delivery_that_goes_on_by_itself_is_no_alert() -> None:
    assert alert_of("a" * 64, Delivery("d")) is None


def test_the_answers_of_all_attempts_are_kept() -> None:
    world = World({"1.1": LATER, "1.2": STORED}, held=frozenset(("1.2",)))
    first = run(world, Delivery("d"), there())
    world.answers["1.1"] = NEVER
    second = run(world, first, there())
    said = [(a.attempt, a.sop_instance_uid, a.state) for a in second.answers]
    assert said == [(1, "1.1", LATER), (1, "1.2", STORED), (2, "1.1", NEVER)]


def test_where_the_study_is_gone_nothing_is_sent_and_a_person_is_told_what_to_do() -> None:
    world = World({"1.1": STORED, "1.2": STORED}, held=frozenset(("1.1", "1.2")), studies=frozenset())
    held = run(world, Delivery("d"), there(needs_study=True))
    assert (held.stage, held.next_s, world.sent) == (Stage.HELD, None, [])
    alert = alert_of("0" * 64, held)
    assert alert is not None
    assert alert.code == "DLV-NOSTUDY"
    assert "jobs cancel 000000000000; else send the study to d again: the delivery goes on" in alert.next_step
    assert "lungnode jobs replay 000000000000 --to d" in alert.next_step
    world.studies = frozenset(("3",))
    assert run(world, held, there(needs_study=True)).stage is Stage.SAFE  # replayed, with the study back


def test_a_study_that_goes_after_a_part_was_delivered_holds_the_rest() -> None:
    world = World({"1.1": STORED, "1.2": LATER}, held=frozenset(("1.1",)))
    first = run(world, Delivery("d"), there(needs_study=True))
    world.studies = frozenset()
    held = run(world, first, there(needs_study=True))
    assert (held.stage, held.confirmed, world.sent) == (Stage.HELD, ("1.1",), ["1.1", "1.2"])
    assert not all_retryable(held, OBJECTS)  # it answered: the breaker stays closed


def test_nobody_asks_for_the_study_where_it_is_not_needed_or_everything_is_there() -> None:
    away = WorldUnavailable("ARCHIVE-DOWN", "nobody answers")
    world = World({"1.1": STORED, "1.2": STORED}, held=frozenset(("1.1", "1.2")), unasked=away)
    assert run(world, Delivery("d"), there()).stage is Stage.SAFE
    assert run(world, Delivery("d", attempts=1), there(needs_study=True)).stage is Stage.SAFE


@pytest.mark.parametrize(
    ("error", "unauthorised"),
    [
        (WorldUnavailable("ARCHIVE-DOWN", "nobody answers"), False),
        (Misconfigured("ARCHIVE-REFUSED", "the archive refuses our title"), False),
        (Misconfigured("ARCHIVE-LOGIN", "the archive refuses the login"), True),
    ],
)
def test_where_it_cannot_be_asked_for_the_study_nothing_is_sent_and_it_is_asked_again(
    error: LungnodeError, unauthorised: bool
) -> None:
    world = World({"1.1": STORED, "1.2": STORED}, held=frozenset(), unasked=error)
    waiting = run(world, Delivery("d"), there(needs_study=True))
    assert (waiting.stage, waiting.is_unauthorised, world.sent) == (Stage.WAITING, unauthorised, [])
    assert error.code in waiting.why
    assert all_retryable(waiting, OBJECTS)
    late = decide(waiting, OBJECTS, there(give_up_after_s=1), now_s=2, jitter=0.0, fails_everybody=True)
    assert (late.stage is Stage.WAITING) is (error.code == "ARCHIVE-DOWN")  # who is not there is waited for
