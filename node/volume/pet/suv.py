"""From rescaled PET values to SUV: one factor per slice, and how it came about (standards, part 5).

    BQML   SUVbw = value x weight x 1000 / dose left        dose left = dose x 2^(-(t0 - injection) / T)  (START)
                                                            dose left = dose                              (ADMIN)
    CNTS   SUVbw = value x Philips SUV factor, else value x Philips activity factor is Bq/ml
    GML    the value is an SUV already, of the kind that SUV Type names (absent: body weight)

Activity that stayed in the syringe is not subtracted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from node.errors import Affects, Code, Reason, Severity, refuse, warn
from node.facts.pet import PetFacts
from node.volume.pet.agreed import agreed
from node.volume.pet.decayed_dose import DecayedDose, decayed_dose
from node.volume.pet.lean_body_mass import WEIGHT_KG, LeanMasses, lean_masses
from node.volume.pet.nuclide import is_fdg
from node.volume.pet.series_rules import check_series
from node.volume.pet.suv_kind import SuvKind


@dataclass(frozen=True, slots=True)
class SuvScale:
    """How rescaled values become SUV, with everything that a report shows of it.

    Attributes
    ----------
    kind : what the results are; BW unless a GML series could not be converted
    factors : per slice, from rescaled value to SUV
    weight_kg : None where the units did not need it and it is not known
    dose : dose, times and what is left of it; None where units hold SUV already
    lean : lean body masses
    is_fdg : whether the tracer is FDG
    different : names of headers on which the slices do not agree
    """

    kind: SuvKind
    factors: tuple[float, ...]
    weight_kg: float | None
    dose: DecayedDose | None
    lean: LeanMasses
    is_fdg: bool
    different: tuple[str, ...] = ()

    @property
    def factor(self) -> float | None:
        """The factor of all slices, None where they differ."""
        return self.factors[0] if len(set(self.factors)) == 1 else None

    @property
    def suvbw_factor(self) -> float | None:
        """The factor if it gives SUVbw, what `result.json` shows."""
        return self.factor if self.kind is SuvKind.BW else None


def suv_scale(
    slices: Sequence[PetFacts], *, sex: str, description: str, is_ge: bool
) -> tuple[SuvScale | None, tuple[Reason, ...]]:
    """Find the factors of a series.

    Parameters
    ----------
    slices : at least one
    sex : of the patient, "" if unknown
    description : Series Description
    is_ge : whether the scanner is GE's

    Returns
    -------
    None where a reason refuses the SUV; the reasons in the order of the table.
    """
    series, different = agreed(slices)
    rules = check_series(series, description)
    factors, kind, dose, found = _factors(series, slices, sex, is_ge=is_ge)
    lean = lean_masses(series.weight_kg, series.size_m, sex)
    reasons = _once((*rules, *found, *lean.reasons))
    if not factors or any(r.severity is Severity.REFUSE and not _is_sul_only(r) for r in reasons):
        return None, reasons
    fdg = series.tracer is not None and is_fdg(series.tracer)
    return SuvScale(kind, factors, series.weight_kg, dose, lean, fdg, different), reasons


Found = tuple[tuple[float, ...], SuvKind, DecayedDose | None, tuple[Reason, ...]]


def _factors(series: PetFacts, slices: Sequence[PetFacts], sex: str, *, is_ge: bool) -> Found:
    if series.units == "BQML":
        return _from_activity(series, slices, (1.0,) * len(slices), is_ge=is_ge)
    if series.units == "CNTS":
        return _from_counts(series, slices, is_ge=is_ge)
    if series.units == "GML":
        return _from_suv(series, len(slices), sex)
    text = f"Units are {series.units or 'missing'}, BQML, GML or CNTS with Philips' factors were expected"
    return (), SuvKind.BW, None, (refuse(Code.PT_UNITS, text, Affects.SUV),)


def _from_activity(series: PetFacts, slices: Sequence[PetFacts], to_bq_ml: tuple[float, ...], *, is_ge: bool) -> Found:
    weight_kg = series.weight_kg
    dose, reasons = decayed_dose(series, slices, is_ge=is_ge)
    if weight_kg is None or not WEIGHT_KG[0] <= weight_kg <= WEIGHT_KG[1]:
        found = "missing" if weight_kg is None else f"{weight_kg:g} kg"
        text = f"the weight is {found}, {WEIGHT_KG[0]:g} to {WEIGHT_KG[1]:g} kg were expected"
        return (), SuvKind.BW, dose, (refuse(Code.PT_WEIGHT, text, Affects.SUV), *reasons)
    if dose is None:
        return (), SuvKind.BW, None, reasons
    return tuple(weight_kg * 1000.0 / dose.left_bq * f for f in to_bq_ml), SuvKind.BW, dose, reasons


def _from_counts(series: PetFacts, slices: Sequence[PetFacts], *, is_ge: bool) -> Found:
    suv = _positive([s.philips_suv_factor for s in slices])
    if suv:
        return suv, SuvKind.BW, None, ()
    activity = _positive([s.philips_activity_factor for s in slices])
    if activity:
        return _from_activity(series, slices, activity, is_ge=is_ge)
    text = "Units are CNTS and neither of Philips' private factors is there and above 0"
    return (), SuvKind.BW, None, (refuse(Code.PT_PHILIPS, text, Affects.SUV),)


def _positive(values: Sequence[float | None]) -> tuple[float, ...]:
    """Return the values if all are above 0, else nothing."""
    above = tuple(value for value in values if value is not None and value > 0)
    return above if len(above) == len(values) else ()


def _from_suv(series: PetFacts, n_slices: int, sex: str) -> Found:
    name = series.suv_type or "BW"
    if name not in SuvKind.__members__:
        text = f"SUV Type is {name}, which cannot be turned into SUVbw"
        return (), SuvKind.BW, None, (refuse(Code.PT_SUVTYPE, text, Affects.SUV),)
    kind = SuvKind[name]
    if kind is SuvKind.BW:
        return (1.0,) * n_slices, kind, None, ()
    lean_kg = lean_masses(series.weight_kg, series.size_m, sex).of(kind)
    if lean_kg is None or series.weight_kg is None:
        text = f"SUV Type is {name}, and weight, height or sex are missing: values keep that kind and are no SUVbw"
        return (1.0,) * n_slices, kind, None, (warn(Code.PT_SUVTYPE, text),)
    text = f"SUV Type {name} was turned into SUVbw by {series.weight_kg:g} kg of body and {lean_kg:.2f} kg of lean mass"
    return (series.weight_kg / lean_kg,) * n_slices, SuvKind.BW, None, (warn(Code.PT_SUVTYPE, text),)


def _is_sul_only(reason: Reason) -> bool:
    return set(reason.affects) <= {Affects.SUL}


def _once(reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """Drop what an earlier reason of the same code and scope has said already."""
    wider = {r.code for r in reasons if r.severity is Severity.REFUSE and not _is_sul_only(r)}
    return tuple(dict.fromkeys(r for r in reasons if not (r.affects and _is_sul_only(r) and r.code in wider)))
