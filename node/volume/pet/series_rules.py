"""What must hold for a PET series whatever its units (standards 4.5): a static emission image, corrected."""

from collections.abc import Iterable

from node.errors import Affects, Code, Reason, refuse, warn
from node.facts.pet import PetFacts
from node.route.pairing import UNCORRECTED
from node.volume.pet.nuclide import is_fdg

_STATIC = frozenset(("STATIC", "WHOLE BODY"))
_MOVING = {"DYNAMIC": Code.PT_DYN, "GATED": Code.PT_GATED}


def check_series(series: PetFacts, description: str) -> tuple[Reason, ...]:
    """Check type, source and corrections.

    Parameters
    ----------
    series : what the slices agree on
    description : Series Description, which tells an uncorrected series when Corrected Image does not
    """
    return (*_type(series), *_source(series), *_attenuation(series, description), *_decay(series), *_tracer(series))


def _type(series: PetFacts) -> Iterable[Reason]:
    first, second = (*series.series_type, "", "")[:2]
    if first not in _STATIC:
        code = _MOVING.get(first, Code.PT_DYN)
        yield refuse(code, f"Series Type is {first or 'missing'}, STATIC or WHOLE BODY were expected", Affects.PET)
    if second == "REPROJECTION":
        yield refuse(Code.PT_REPROJ, "the images are reprojections", Affects.PET)


def _source(series: PetFacts) -> Iterable[Reason]:
    if series.counts_source != "EMISSION":
        found = series.counts_source or "missing"
        yield refuse(Code.PT_UNITS, f"Counts Source is {found}, EMISSION was expected", Affects.SUV, Affects.PET)


def _attenuation(series: PetFacts, description: str) -> Iterable[Reason]:
    why = []
    if "ATTN" not in series.corrected_image:
        why.append("Corrected Image lacks ATTN")
    if series.attenuation_method.strip().upper().startswith("NONE"):  # vendors add coefficients: "NONE, 0.000000 cm-1"
        why.append("Attenuation Correction Method is NONE")
    if UNCORRECTED.search(description):
        why.append("the description says that it is not corrected")
    if why:
        yield refuse(Code.PT_NAC, f"not corrected for attenuation: {', '.join(why)}", Affects.SUV, Affects.PET)


def _decay(series: PetFacts) -> Iterable[Reason]:
    if "DECY" not in series.corrected_image:
        yield refuse(Code.PT_DECAY, "Corrected Image lacks DECY", Affects.SUV)
    elif series.decay_correction not in ("START", "ADMIN"):
        found = series.decay_correction or "missing"
        yield refuse(Code.PT_DECAY, f"Decay Correction is {found}, START or ADMIN were expected", Affects.SUV)


def _tracer(series: PetFacts) -> Iterable[Reason]:
    if series.n_tracers != 1 or series.tracer is None:
        text = f"the slices name {series.n_tracers} radiopharmaceuticals, or different ones; one was expected"
        yield refuse(Code.PT_RPSEQ, text, Affects.SUV)
    elif not is_fdg(series.tracer):
        yield warn(Code.PT_TRACER, "the radiopharmaceutical is not named FDG: uptake thresholds do not hold")
