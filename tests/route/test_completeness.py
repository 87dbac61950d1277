"""Complete, wait or give up: the table of architecture 5, and the laws that hold for every arrival."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.route.completeness import (
    Action,
    Arrival,
    Complete,
    CountAnswer,
    CountSource,
    Ending,
    GiveUp,
    Limits,
    WaitUntil,
    decide,
    known_count,
)
from node.route.stack import gapless, stack_is_gapless

LIMITS = Limits()
BASE = Arrival(n_instances=50, last_arrival_s=1000.0, ending=Ending.RELEASED, ended_s=1000.0, gapless=True)
PLUGIN = CountSource.PLUGIN
ARCHIVE = CountSource.ARCHIVE


def counts(*answers):
    return tuple(CountAnswer(source, n, at_s) for source, n, at_s in answers)


TABLE = {  # changes to the arrival, seconds after the last one, the answer and a word of its reason
    "quiet is not over": ({}, 9.9, WaitUntil, "quiet"),
    "gapless, released and quiet": ({}, 10.0, Complete, "no count is known"),
    "an association is open": ({"open_associations": 1}, 500.0, WaitUntil, "open"),
    "open, but the plugin's count is reached": (
        {"open_associations": 1, "counts": counts((PLUGIN, 50, 990))}, 0.0, Complete, "plugin"),
    "two equal answers five seconds apart": (
        {"open_associations": 1, "counts": counts((ARCHIVE, 50, 995), (ARCHIVE, 50, 1000))}, 0.0, Complete, "archive"),
    "two equal answers too close": (
        {"open_associations": 1, "counts": counts((ARCHIVE, 50, 996), (ARCHIVE, 50, 1000))}, 0.0, WaitUntil, "open"),
    "two answers that differ": (
        {"open_associations": 1, "counts": counts((ARCHIVE, 49, 990), (ARCHIVE, 50, 1000))}, 0.0, WaitUntil, "open"),
    "a commitment request": ({"counts": counts((CountSource.COMMITMENT, 50, 1000))}, 0.0, Complete, "commitment"),
    "fewer than the count, however quiet": ({"counts": counts((PLUGIN, 60, 990))}, 1799.0, WaitUntil, "50 of 60"),
    "more than the count: it is old": ({"counts": counts((PLUGIN, 40, 990))}, 10.0, Complete, "no count"),
    "a gap": ({"gapless": False}, 1799.0, WaitUntil, "gapless"),
    "a gap at the maximum wait": ({"gapless": False}, 1800.0, GiveUp, "gapless"),
    "positions tell nothing": ({"gapless": None}, 10.0, Complete, "quiet"),
    "aborted: the long quiet time": ({"ending": Ending.ABORTED}, 59.0, WaitUntil, "aborted"),
    "aborted and long quiet": ({"ending": Ending.ABORTED}, 60.0, Complete, "quiet"),
    "the association ended late": ({"ended_s": 1005.0}, 14.0, WaitUntil, "quiet"),
    "a partner is missing": ({"awaited": "the PET"}, 599.0, WaitUntil, "; waited for: the PET"),
    "a partner did not come": ({"awaited": "the PET"}, 600.0, Complete, "waited for 600 s in vain: the PET"),
    "an open association just before the maximum wait": ({"open_associations": 2}, 1799.0, WaitUntil, "open"),
    "an open association at the maximum wait": ({"open_associations": 2}, 1800.0, Complete, "still open 1800 s after"),
    "an open association and a gap": ({"open_associations": 1, "gapless": False}, 1800.0, GiveUp, "gapless"),
    "an open association and a count": (
        {"open_associations": 1, "counts": counts((PLUGIN, 60, 990))}, 1800.0, GiveUp, "50 of 60"),
    "the sender has another association open, silent": ({"sender_heard_s": 900.0}, 10.0, Complete, "quiet"),
    "the sender is heard over another one": ({"sender_heard_s": 1005.0}, 14.9, WaitUntil, "busy"),
    "it has fallen silent": ({"sender_heard_s": 1005.0}, 15.0, Complete, "quiet"),
    "it never falls silent": ({"sender_heard_s": 2799.0}, 1799.0, WaitUntil, "busy"),
    "it never falls silent, at the maximum wait": ({"sender_heard_s": 2799.0}, 1800.0, Complete, "busy"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_the_table_of_decisions(name):
    changes, after_s, kind, word = TABLE[name]

    decision = decide(replace(BASE, **changes), LIMITS, 1000.0 + after_s)

    assert isinstance(decision, kind)
    assert word in decision.why


@pytest.mark.parametrize("action", Action)
def test_giving_up_does_what_is_configured(action):
    decision = decide(replace(BASE, gapless=False), Limits(at_maximum=action), 5000.0)

    assert isinstance(decision, GiveUp)
    assert decision.action is action


def test_a_wait_names_the_moment_at_which_the_answer_changes():
    decision = decide(BASE, LIMITS, 1001.0)

    assert isinstance(decision, WaitUntil)
    assert decision.at_s == 1010.0
    assert isinstance(decide(BASE, LIMITS, decision.at_s), Complete)


@pytest.mark.parametrize("changes", [{"n_instances": 0}, {"ended_s": None}])
def test_an_impossible_arrival_is_refused(changes):
    with pytest.raises(ValueError, match=r"case begins|ending needs"):
        replace(BASE, **changes)


def test_no_answer_is_no_count():
    assert known_count(()) is None
    assert known_count(counts((ARCHIVE, 5, 0))) is None


seconds = st.floats(0, 10_000, allow_nan=False)
answers = st.lists(st.tuples(st.sampled_from(CountSource), st.integers(1, 6), seconds), max_size=4)
limits = st.builds(Limits, seconds, seconds, st.floats(0.1, 10_000), seconds, at_maximum=st.sampled_from(Action))


@st.composite
def arrivals(draw):
    ending = draw(st.sampled_from([None, *Ending]))
    return Arrival(
        n_instances=draw(st.integers(1, 6)),
        last_arrival_s=draw(seconds),
        open_associations=draw(st.integers(0, 2)),
        sender_heard_s=draw(st.none() | seconds),
        ending=ending,
        ended_s=None if ending is None else draw(seconds),
        gapless=draw(st.sampled_from([None, True, False])),
        counts=counts(*sorted(draw(answers), key=lambda answer: answer[2])),
        awaited=draw(st.sampled_from(["", "the PET"])),
    )


@given(arrival=arrivals(), limits=limits, now_s=seconds)
def test_every_arrival_ends_in_one_of_three_answers_with_a_reason(arrival, limits, now_s):
    decision = decide(arrival, limits, now_s)

    assert isinstance(decision, Complete | WaitUntil | GiveUp)
    assert decision.why


@given(arrival=arrivals(), limits=limits, now_s=seconds)
def test_waiting_always_looks_into_the_future_and_ends(arrival, limits, now_s):
    for _ in range(4):
        decision = decide(arrival, limits, now_s)
        if not isinstance(decision, WaitUntil):
            return
        assert decision.at_s > now_s
        now_s = decision.at_s
    pytest.fail("it waits for ever")


@given(arrival=arrivals(), limits=limits, now_s=seconds, later_s=seconds)
def test_time_never_takes_an_answer_back(arrival, limits, now_s, later_s):
    first, later = decide(arrival, limits, now_s), decide(arrival, limits, now_s + later_s)

    if isinstance(first, Complete | GiveUp):
        assert type(later) is type(first)


@given(arrival=arrivals(), limits=limits, now_s=seconds)
def test_nothing_is_complete_while_an_association_is_open_unless_a_count_or_the_maximum_wait_says_so(
    arrival, limits, now_s
):
    arrival = replace(arrival, open_associations=1)
    known = known_count(arrival.counts)

    waited = now_s >= arrival.last_arrival_s + limits.maximum_wait_s
    if isinstance(decide(arrival, limits, now_s), Complete) and not waited:
        assert known is not None
        assert known.n_instances == arrival.n_instances


@given(arrival=arrivals(), limits=limits, now_s=seconds)
def test_associations_alone_never_end_in_giving_up(arrival, limits, now_s):
    decision = decide(arrival, limits, now_s)

    if isinstance(decision, GiveUp):
        assert decision == decide(replace(arrival, open_associations=0, sender_heard_s=None), limits, now_s)


STACKS = [
    ([0, 1, 2, 3], True),
    ([3, 1, 0, 2], True),
    ([0, 1, 3, 4], False),
    ([0, 3.27, 6.54, 9.83], True),
    ([0, 4.22, 8.44, 15.82], False),
    ([0, 0, 1, 1, 2, 2], True),
    ([0, 0, 1, 2, 2], False),
    ([0], None),
    ([], None),
    ([5, 5], None),
]


@pytest.mark.parametrize(("positions", "expected"), STACKS, ids=repr)
def test_a_stack_is_gapless_where_its_steps_are_equal(positions, expected):
    assert gapless([float(position) for position in positions]) is expected


def test_the_stack_of_a_series_is_judged_along_its_normal(series):
    whole = series(step_mm=-2.5)

    assert stack_is_gapless(whole) is True
    assert stack_is_gapless(type(whole)(whole.files[:3] + whole.files[4:])) is False
    assert stack_is_gapless(series(geometry={"image_orientation": None})) is None
    assert stack_is_gapless(series(n=1, number_of_frames=200)) is None
