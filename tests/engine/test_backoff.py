"""Waits that grow to a limit, and a breaker that lets one try at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.engine.backoff import OPENS_AFTER, Breaker, delay_s


@given(attempt=st.integers(1, 10_000), jitter=st.floats(0, 1, exclude_max=True))
def test_a_wait_is_never_longer_than_its_limit_nor_shorter_than_half(attempt: int, jitter: float) -> None:
    capped = min(900.0, 5.0 * 2.0 ** min(attempt - 1, 32))
    assert capped / 2 <= delay_s(attempt, first_s=5.0, longest_s=900.0, jitter=jitter) <= capped


def opened() -> Breaker:
    breaker = Breaker(first_s=10.0, longest_s=100.0)
    for _ in range(OPENS_AFTER):
        breaker.failed(0.0, jitter=1.0)
    return breaker


def test_it_opens_after_failures_in_a_row() -> None:
    assert opened().wait_s(1.0) == pytest.approx(9.0)


def test_a_success_in_between_keeps_it_closed() -> None:
    breaker = Breaker(first_s=10.0, longest_s=100.0)
    for _ in range(OPENS_AFTER - 1):
        breaker.failed(0.0, jitter=1.0)
    breaker.succeeded()
    breaker.failed(0.0, jitter=1.0)
    assert breaker.wait_s(0.0) == 0.0


def test_after_its_time_one_may_try_and_the_others_wait_for_the_answer() -> None:
    breaker = opened()
    assert breaker.wait_s(11.0) == 0.0
    assert breaker.wait_s(11.0) == pytest.approx(10.0)


def test_a_trial_that_succeeds_closes_it() -> None:
    breaker = opened()
    breaker.wait_s(11.0)
    breaker.succeeded()
    assert (breaker.wait_s(11.0), breaker.is_open) == (0.0, False)


def test_a_trial_that_fails_opens_it_for_longer() -> None:
    breaker = opened()
    breaker.wait_s(11.0)
    breaker.failed(11.0, jitter=1.0)
    assert breaker.wait_s(12.0) == pytest.approx(19.0)
