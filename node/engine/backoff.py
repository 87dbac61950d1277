"""How long to wait before the next attempt: capped exponential with jitter, and a circuit breaker per destination."""

import threading

OPENS_AFTER = 3  # failures in a row; one may be the object's fault, three are the destination's


def delay_s(attempt: int, *, first_s: float, longest_s: float, jitter: float) -> float:
    """Return the wait after the attempt with this number (from 1).

    Parameters
    ----------
    jitter : in [0, 1); spreads the wait over its upper half, so that many waiting objects don't come back at once.
    """
    capped = min(longest_s, first_s * 2.0 ** min(attempt - 1, 32))
    return capped * (0.5 + 0.5 * jitter)


class Breaker:
    """Keeps a destination that fails from being tried by everybody at once.

    Closed: everybody may try. Open: nobody until a time. Then one may try; its answer closes or opens it again.
    Times are those of the monotonic clock: one that is set back would keep it open for as long as the step.
    """

    def __init__(self, *, first_s: float, longest_s: float) -> None:
        self._first_s, self._longest_s = first_s, longest_s
        self._failures = 0
        self._open_until_s = 0.0
        self._lock = threading.Lock()

    def wait_s(self, now_s: float) -> float:
        """Return 0 where an attempt may be made now (which takes the one trial of an open breaker), else the wait."""
        with self._lock:
            if self._failures < OPENS_AFTER:
                return 0.0
            if now_s < self._open_until_s:
                return self._open_until_s - now_s
            self._open_until_s = now_s + self._first_s  # the others wait for the answer to this trial
            return 0.0

    def succeeded(self) -> None:
        """Close it."""
        with self._lock:
            self._failures = 0

    def failed(self, now_s: float, *, jitter: float) -> None:
        """Count a failure, and open it where there were too many in a row."""
        with self._lock:
            self._failures += 1
            beyond = self._failures - OPENS_AFTER + 1
            if beyond > 0:
                self._open_until_s = now_s + delay_s(
                    beyond, first_s=self._first_s, longest_s=self._longest_s, jitter=jitter
                )

    @property
    def is_open(self) -> bool:
        """Whether it keeps attempts back."""
        return self._failures >= OPENS_AFTER
