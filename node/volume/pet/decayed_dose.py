"""How much of the injected dose is left at the instant to which the images are corrected."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from node.errors import Affects, Code, Reason, Severity, refuse
from node.facts.pet import PetFacts, TracerFacts
from node.volume.pet.injection import Injection, check_uptake, injection
from node.volume.pet.nuclide import HALF_LIFE_FRAC, HALF_LIFE_S, is_fdg, nuclide_of
from node.volume.pet.reference_time import ReferenceTime, reference_time

DOSE_BQ = (1e7, 2e9)  # PT-DOSE
_MEGABECQUEREL_BELOW = 1e5


@dataclass(frozen=True, slots=True)
class DecayedDose:
    """The working behind a factor.

    Attributes
    ----------
    injected_bq, half_life_s : as in the header
    injection : None where an ADMIN series does not say
    reference : None for ADMIN, which is referred to the injection
    decay_s : from injection to reference time, 0 for ADMIN
    left_bq : the dose that the weight is divided by
    """

    injected_bq: float
    half_life_s: float
    injection: Injection | None
    reference: ReferenceTime | None
    decay_s: float
    left_bq: float


def decayed_dose(
    series: PetFacts, slices: Sequence[PetFacts], *, is_ge: bool
) -> tuple[DecayedDose | None, tuple[Reason, ...]]:
    """Find what is left of the dose.

    Parameters
    ----------
    series : what the slices agree on
    slices : every slice, for the times
    is_ge : whether GE's sense of Frame Reference Time holds

    Returns
    -------
    None with PT-DOSE, PT-HALF, PT-TIME, PT-MIDNIGHT, PT-SERTIME or PT-TIMEDIFF where it cannot be known, and None
    without a reason where the rules of the series refuse it (PT-RPSEQ, PT-DECAY).
    """
    tracer = series.tracer
    if tracer is None:
        return None, ()
    reasons = (*_dose(tracer), *_half_life(tracer))
    began = _scan_began(series, slices)
    injected, timing = injection(tracer, began)
    if injected is not None and began is not None:
        timing = (*timing, *check_uptake(injected, began, is_fdg=is_fdg(tracer)))
    dose_bq, half_life_s = tracer.total_dose_bq, tracer.half_life_s
    if reasons or dose_bq is None or half_life_s is None:
        return None, (*reasons, *timing)
    if series.decay_correction == "ADMIN":
        return DecayedDose(dose_bq, half_life_s, injected, None, 0.0, dose_bq), _only_warned(timing)
    if injected is None or series.decay_correction != "START":
        return None, timing
    reference, late = reference_time(series, slices, injected.at, half_life_s, is_ge=is_ge)
    if reference is None:
        return None, (*timing, *late)
    decay_s = (reference.chosen.at - injected.at).total_seconds()
    left_bq = dose_bq * 2.0 ** (-decay_s / half_life_s)
    return DecayedDose(dose_bq, half_life_s, injected, reference, decay_s, left_bq), (*timing, *late)


def _scan_began(series: PetFacts, slices: Sequence[PetFacts]) -> datetime | None:
    acquired = [s.acquired for s in slices if s.acquired is not None]
    return min(acquired, default=series.series_started)


def _only_warned(timing: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """An ADMIN series needs no time of injection: what is wrong with it is a warning."""
    return tuple(Reason(r.code, r.text, Severity.WARN) for r in timing)


def _dose(tracer: TracerFacts) -> Iterable[Reason]:
    dose_bq = tracer.total_dose_bq
    if dose_bq is not None and DOSE_BQ[0] <= dose_bq <= DOSE_BQ[1]:
        return
    found = "missing" if dose_bq is None else f"{dose_bq:g} Bq"
    hint = " (probably MBq, which is not scaled)" if dose_bq and 0 < dose_bq < _MEGABECQUEREL_BELOW else ""
    text = f"the injected dose is {found}{hint}, {DOSE_BQ[0]:g} to {DOSE_BQ[1]:g} Bq were expected"
    yield refuse(Code.PT_DOSE, text, Affects.SUV)


def _half_life(tracer: TracerFacts) -> Iterable[Reason]:
    half_life_s, nuclide = tracer.half_life_s, nuclide_of(tracer)
    if half_life_s is None or half_life_s <= 0:
        yield refuse(Code.PT_HALF, "the half life is missing", Affects.SUV)
    elif not nuclide:
        yield refuse(
            Code.PT_HALF, "the nuclide is not named or not known: its half life cannot be checked", Affects.SUV
        )
    elif abs(half_life_s / HALF_LIFE_S[nuclide] - 1.0) > HALF_LIFE_FRAC:
        text = f"the half life is {half_life_s:g} s, {nuclide} has {HALF_LIFE_S[nuclide]:g} s (2 % allowed)"
        yield refuse(Code.PT_HALF, text, Affects.SUV)
