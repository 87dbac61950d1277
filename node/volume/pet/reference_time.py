"""To which instant the values of a PET with Decay Correction START are corrected: three candidates, and their quarrels.

    A   the vendor's private time (GE, Siemens); counts only if its date is the series' or the acquisition's and it
        lies 0 to 6 h after the injection, since de-identification shifts private dates differently
    B   Series Date and Time, unless it is later than the first acquisition (a post-processed series)
    C   derived on every slice from Decay Factor or Frame Reference Time; counts if all slices agree within 2 s

A is used before B, B before C. Another candidate over 60 s away is PT-TIMEDIFF: a warning beside A, else a refusal.
Content and Instance Creation times are never used.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import exp, log, log2

from node.errors import Affects, Code, Reason, refuse, warn
from node.facts.pet import PetFacts
from node.volume.pet.injection import is_plausible

APART_S = 60.0  # PT-TIMEDIFF; 0.6 % of F-18
SLICES_AGREE_S = 2.0


class TimeSource(StrEnum):
    """Where a reference time comes from."""

    GE = "GE private scan time (0009,xx0D)"
    SIEMENS = "Siemens private decay time (0071,xx22)"
    SERIES = "Series Date and Time"
    DECAY_FACTOR = "derived from Decay Factor"
    FRAME_REFERENCE = "derived from Frame Reference Time"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer to the question."""

    source: TimeSource
    at: datetime


@dataclass(frozen=True, slots=True)
class ReferenceTime:
    """The candidate that was taken, and all that counted (it is the first of them)."""

    chosen: Candidate
    candidates: tuple[Candidate, ...]


def reference_time(
    series: PetFacts, slices: Sequence[PetFacts], injected: datetime, half_life_s: float, *, is_ge: bool
) -> tuple[ReferenceTime | None, tuple[Reason, ...]]:
    """Find the reference time of decay.

    Parameters
    ----------
    series : what the slices agree on
    slices : every slice
    injected : time of injection
    half_life_s : of the nuclide
    is_ge : whether GE's sense of Frame Reference Time holds

    Returns
    -------
    None with PT-SERTIME where no candidate counts; None with PT-TIMEDIFF where they contradict.
    """
    vendor, ignored = _vendor(series, slices, injected)
    candidates = (*vendor, *_series(series, slices), *_derived(slices, half_life_s, is_ge=is_ge))
    if not candidates:
        text = "Series Time is missing or later than the first acquisition, and no other time tells the decay's start"
        return None, (*ignored, refuse(Code.PT_SERTIME, text, Affects.SUV))
    chosen = candidates[0]
    apart_s = max(abs((other.at - chosen.at).total_seconds()) for other in candidates)
    found = ReferenceTime(chosen, candidates)
    if apart_s <= APART_S:
        return found, ignored
    text = f"times for the start of decay are {apart_s:.0f} s apart (limit {APART_S:g} s)"
    if vendor:
        return found, (*ignored, warn(Code.PT_TIMEDIFF, f"{text}; the vendor's is used"))
    return None, (*ignored, refuse(Code.PT_TIMEDIFF, text, Affects.SUV))


def _vendor(
    series: PetFacts, slices: Sequence[PetFacts], injected: datetime
) -> tuple[tuple[Candidate, ...], tuple[Reason, ...]]:
    at, source = series.ge_scan_started, TimeSource.GE
    if at is None:
        at, source = series.siemens_decay_reference, TimeSource.SIEMENS
    if at is None:
        return (), ()
    days = {moment.date() for moment in (series.series_started, *(s.acquired for s in slices)) if moment is not None}
    if at.date() in days and is_plausible(at - injected):
        return (Candidate(source, at),), ()
    text = f"the {source} is of another date, or not within 6 h after the injection: it is not used"
    return (), (warn(Code.PT_TIMEDIFF, text),)


def _series(series: PetFacts, slices: Sequence[PetFacts]) -> Iterable[Candidate]:
    acquired = [s.acquired for s in slices if s.acquired is not None]
    if series.series_started is not None and acquired and series.series_started <= min(acquired):
        yield Candidate(TimeSource.SERIES, series.series_started)


def _derived(slices: Sequence[PetFacts], half_life_s: float, *, is_ge: bool) -> Iterable[Candidate]:
    """Yield the first of the two derivations on which all slices agree."""
    for source in (TimeSource.DECAY_FACTOR, TimeSource.FRAME_REFERENCE):
        found = [derived_start(s, source, half_life_s, is_ge=is_ge) for s in slices]
        known = [at for at in found if at is not None]
        if len(known) < len(found):
            continue
        spread = max(known) - min(known)
        if spread.total_seconds() <= SLICES_AGREE_S:
            yield Candidate(source, min(known) + spread / 2)
            return


def derived_start(one: PetFacts, source: TimeSource, half_life_s: float, *, is_ge: bool) -> datetime | None:
    """Derive the reference time of one slice, None where the attributes do not say.

    Notes
    -----
    l = ln 2 / T, tave = ln(l d / (1 - exp(-l d))) / l for a frame of length d: the instant within the frame at which
    the activity is the frame's mean. With Decay Factor f: t0 = t_acq + tave - T log2 f. With Frame Reference Time r:
    t0 = t_acq + tave - r, for GE t_acq - r. A factor of 1 and a time of 0 are placeholders.
    """
    if one.acquired is None:
        return None
    if source is TimeSource.FRAME_REFERENCE and is_ge:
        return None if not one.frame_reference_s else one.acquired - timedelta(seconds=one.frame_reference_s)
    if not one.frame_duration_s or one.frame_duration_s < 0:
        return None
    lam = log(2.0) / half_life_s
    spent = lam * one.frame_duration_s
    mean_s = log(spent / (1.0 - exp(-spent))) / lam
    if source is TimeSource.FRAME_REFERENCE:
        back_s = one.frame_reference_s or 0.0
    else:
        back_s = half_life_s * log2(one.decay_factor) if one.decay_factor and one.decay_factor > 0 else 0.0
    return one.acquired + timedelta(seconds=mean_s - back_s) if back_s > 0 else None
