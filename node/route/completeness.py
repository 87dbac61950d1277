"""When is a case complete? Proof before patience (architecture 5).

Proof: the source's count is known and equals what arrived. A count is known when the plugin gave it for a stable
series, when a storage commitment request listed the instances, or when two answers of the archive at least 5 s apart
agree and nothing else was answered in between.

Without proof all of these: no association that delivered the study is open, the positions form one gapless stack, and
nothing has arrived for the quiet time, over another association that the sender has open neither. The long quiet time
holds after an aborted association. (That lungs touch an end slice is seen by `engine`, which sends the case back once.)
At the maximum wait an open association holds nothing back any more, and what is not complete then is given up as
configured. A complete series still waits for its partners, within a limit of their own.

The function is pure: times are seconds of one clock, and it is asked again whenever anything changes or a wait is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

COUNTS_APART_S = 5.0  # a source may still be receiving: two equal answers this far apart are believed

_OPEN = "an association of the sender is still open"
_BUSY = "the sender is busy over another association"


class CountSource(StrEnum):
    """Who said how many instances there are."""

    PLUGIN = "plugin"
    COMMITMENT = "storage commitment request"
    ARCHIVE = "archive"


class Ending(StrEnum):
    """How the last association with instances of the study ended."""

    RELEASED = "released"
    ABORTED = "aborted"


class Action(StrEnum):
    """What happens to an incomplete series at the maximum wait."""

    REFUSE = "refuse"
    PROCESS = "process"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class CountAnswer:
    """One answer to "how many instances has this series?"."""

    source: CountSource
    n_instances: int
    at_s: float


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known of the arrival of one case's anchor series.

    Attributes
    ----------
    n_instances : different SOP instances that arrived
    last_arrival_s : when the last of them came
    open_associations : that delivered instances of this study and are open now
    sender_heard_s : when its senders last opened another association that is open now, or sent other studies over
        one; None where there is none
    ending, ended_s : how and when the last such association ended; None where none is known
    gapless : see `stack.gapless`; None where positions tell nothing
    counts : answers in the order of their times
    awaited : another series without which the result would not be whole, in words; "" where none is expected
    """

    n_instances: int
    last_arrival_s: float
    open_associations: int = 0
    sender_heard_s: float | None = None
    ending: Ending | None = None
    ended_s: float | None = None
    gapless: bool | None = None
    counts: tuple[CountAnswer, ...] = ()
    awaited: str = ""

    def __post_init__(self) -> None:
        if self.n_instances < 1:
            raise ValueError("a case begins with its first instance")
        if (self.ending is None) != (self.ended_s is None):
            raise ValueError("an ending needs its time")


@dataclass(frozen=True, slots=True)
class Limits:
    """The site's patience, seconds."""

    quiet_s: float = 10.0
    quiet_after_abort_s: float = 60.0
    maximum_wait_s: float = 1800.0
    partner_wait_s: float = 600.0
    at_maximum: Action = Action.REFUSE


@dataclass(frozen=True, slots=True)
class Complete:
    """Work may begin."""

    why: str


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Ask again at this time at the latest, or when something changes."""

    at_s: float
    why: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It did not become complete in time."""

    why: str
    action: Action


Decision = Complete | WaitUntil | GiveUp


def decide(arrival: Arrival, limits: Limits, now_s: float) -> Decision:
    """Say whether a case is complete.

    With nothing new, time only leads from waiting to complete or to giving up, and never back.
    """
    proof = _proof(arrival)
    if proof is not None:
        return _with_partners(arrival, limits, now_s, proof)
    lacking = _lacking(arrival)
    quiet_until_s = _quiet_until(arrival, limits)
    deadline_s = max(arrival.last_arrival_s + limits.maximum_wait_s, quiet_until_s)
    if lacking is not None:
        if now_s < deadline_s:
            return WaitUntil(deadline_s, lacking)
        return GiveUp(f"{lacking} for {limits.maximum_wait_s:g} s after the last arrival", limits.at_maximum)
    held = _held_back(arrival, limits, quiet_until_s, deadline_s)
    if now_s < held.at_s:
        return held
    enough = f"{arrival.n_instances} instances and quiet, no count is known"
    # a sender that always holds an association, or sends without a pause, would else never get a result
    if held.why in (_OPEN, _BUSY) and held.at_s == deadline_s:
        enough = f"{enough}; {held.why} {limits.maximum_wait_s:g} s after the last arrival"
    return _with_partners(arrival, limits, now_s, enough)


def known_count(counts: Sequence[CountAnswer]) -> CountAnswer | None:
    """Return the count that is believed, None where none is; the latest word counts."""
    if not counts:
        return None
    *earlier, last = counts
    if last.source is not CountSource.ARCHIVE:
        return last
    for answer in reversed(earlier):
        if answer.n_instances != last.n_instances:
            return None
        if answer.source is not CountSource.ARCHIVE or last.at_s - answer.at_s >= COUNTS_APART_S:
            return last
    return None


def _proof(arrival: Arrival) -> str | None:
    """Say that the known count is reached. More than the count proves that the count is old."""
    known = known_count(arrival.counts)
    if known is None or known.n_instances != arrival.n_instances:
        return None
    return f"all {known.n_instances} instances that the {known.source} knows are here"


def _lacking(arrival: Arrival) -> str | None:
    """Name what forbids to call it complete, time aside."""
    known = known_count(arrival.counts)
    if known is not None and arrival.n_instances < known.n_instances:
        return f"{arrival.n_instances} of {known.n_instances} instances are here"
    if arrival.gapless is False:
        return "the positions are not one gapless stack of equal steps"
    return None


def _held_back(arrival: Arrival, limits: Limits, quiet_until_s: float, deadline_s: float) -> WaitUntil:
    """Say until when open associations or the quiet time hold back what lacks nothing."""
    if arrival.open_associations:
        return WaitUntil(deadline_s, _OPEN)
    if (
        arrival.sender_heard_s is not None
        and (heard_until_s := arrival.sender_heard_s + limits.quiet_s) > quiet_until_s
    ):
        return WaitUntil(min(heard_until_s, deadline_s), _BUSY)
    return WaitUntil(quiet_until_s, _quiet_in_words(arrival, limits))


def _quiet_until(arrival: Arrival, limits: Limits) -> float:
    """Return when the quiet time is over."""
    aborted = arrival.ending is Ending.ABORTED
    quiet_s = max(limits.quiet_after_abort_s, limits.quiet_s) if aborted else limits.quiet_s
    ended_s = arrival.last_arrival_s if arrival.ended_s is None else arrival.ended_s
    since_s = max(arrival.last_arrival_s, ended_s)
    return since_s + quiet_s


def _quiet_in_words(arrival: Arrival, limits: Limits) -> str:
    if arrival.ending is Ending.ABORTED:
        return f"the association was aborted: {limits.quiet_after_abort_s:g} s of quiet are wanted"
    return f"{limits.quiet_s:g} s of quiet are wanted"


def _with_partners(arrival: Arrival, limits: Limits, now_s: float, why: str) -> Decision:
    """Wait for partners within their own limit."""
    partners_until_s = arrival.last_arrival_s + limits.partner_wait_s
    if not arrival.awaited:
        return Complete(why)
    if now_s < partners_until_s:
        return WaitUntil(partners_until_s, f"{why}; waited for: {arrival.awaited}")
    return Complete(f"{why}; waited for {limits.partner_wait_s:g} s in vain: {arrival.awaited}")
