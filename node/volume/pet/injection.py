"""When the tracer was injected: the date and time where it is plausible, else the time of day before the scan.

De-identification shifts or removes Radiopharmaceutical Start DateTime while dates of their own attributes keep another
shift; then only the time of day is left, and it is later than the scan where the scan ran past midnight.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from node.errors import Affects, Code, Reason, refuse, warn
from node.facts.pet import TracerFacts

LONGEST = timedelta(hours=6)  # from injection to scan, for a date to be believed
USUAL_MIN = (20.0, 180.0)  # uptake of FDG
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Injection:
    """The instant, and which attribute said so."""

    at: datetime
    source: str


def injection(tracer: TracerFacts, scan_began: datetime | None) -> tuple[Injection | None, tuple[Reason, ...]]:
    """Find the time of injection.

    Parameters
    ----------
    tracer : what the header says
    scan_began : the earliest acquisition, or the series time where none is known

    Returns
    -------
    None with PT-TIME or PT-MIDNIGHT where it cannot be known; warnings beside it otherwise.
    """
    if scan_began is None:
        return None, (refuse(Code.PT_TIME, "the time of the scan is missing", Affects.SUV),)
    if tracer.started is not None and is_plausible(scan_began - tracer.started):
        return Injection(tracer.started, "Radiopharmaceutical Start DateTime"), ()
    if tracer.start_time is None:
        found = "missing" if tracer.started is None else "not within 6 h before the scan"
        return None, (refuse(Code.PT_TIME, f"the time of injection is {found}", Affects.SUV),)
    doubts: tuple[Reason, ...] = ()
    if tracer.started is not None:
        text = "Radiopharmaceutical Start DateTime is not within 6 h before the scan: the time of day is used"
        doubts = (warn(Code.PT_TIME, text),)
    return _by_time_of_day(datetime.combine(scan_began.date(), tracer.start_time), scan_began, doubts)


def is_plausible(uptake: timedelta) -> bool:
    """Say whether a span from injection to scan is 0 to 6 h."""
    return timedelta(0) <= uptake <= LONGEST


def check_uptake(injected: Injection, scan_began: datetime, *, is_fdg: bool) -> tuple[Reason, ...]:
    """PT-TIME where FDG had less or more time than usual."""
    minutes = (scan_began - injected.at).total_seconds() / 60.0
    if not is_fdg or USUAL_MIN[0] <= minutes <= USUAL_MIN[1]:
        return ()
    text = f"{minutes:.0f} min from injection to scan, {USUAL_MIN[0]:g} to {USUAL_MIN[1]:g} min are usual"
    return (warn(Code.PT_TIME, text),)


def _by_time_of_day(
    at: datetime, scan_began: datetime, doubts: tuple[Reason, ...]
) -> tuple[Injection | None, tuple[Reason, ...]]:
    if at <= scan_began:
        return Injection(at, "Radiopharmaceutical Start Time"), doubts
    if not is_plausible(scan_began - (at - _DAY)):
        text = "the time of injection is later than the scan, and over 6 h before it on the day before"
        return None, (*doubts, refuse(Code.PT_MIDNIGHT, text, Affects.SUV))
    handled = warn(Code.PT_MIDNIGHT, "the scan ran past midnight: the injection is taken for the day before")
    return Injection(at - _DAY, "Radiopharmaceutical Start Time, the day before"), (*doubts, handled)
