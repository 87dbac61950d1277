"""How the scan was made, as far as the headers tell (standards 4.3)."""

import re
from collections.abc import Iterable, Sequence

from node.errors import Affects, Code, Reason, refuse, warn
from node.facts.instance import InstanceFacts
from node.facts.kernel import KernelClass, kernel_class
from node.facts.limits import THICKEST_FOR_DENSITY_MM
from node.volume.frame import Frame

USUAL_POSITIONS = frozenset({"HFS", "FFS"})  # ACQ-PRONE
_EXPIRATION = re.compile(r"(?<![a-z])(exp|expir\w*|exspir\w*|exhal\w*|espir\w*)(?![a-z])", re.IGNORECASE)


def check_acquisition(
    frames: Sequence[Frame], *, step_mm: float | None, minimum_age_years: float
) -> tuple[Reason, ...]:
    """Check age, contrast, kernel, thickness, breathing and position; `step_mm` of the slices, None without a stack."""
    facts = frames[0].file.facts
    return (
        *_age(facts, minimum_age_years),
        *_contrast(frames),
        *_kernel(frames),
        *_thickness(frames, step_mm),
        *_expiration(facts),
        *_position(frames),
    )


def _age(facts: InstanceFacts, minimum_years: float) -> Iterable[Reason]:
    age = facts.patient.age_years
    if age is None:
        yield warn(Code.ACQ_AGE, "the patient's age is unknown")
    elif age < minimum_years:
        yield refuse(Code.ACQ_AGE, f"the patient is younger than {minimum_years:g} years")


def _contrast(frames: Sequence[Frame]) -> Iterable[Reason]:
    if any(f.file.facts.contrast_bolus_agent.strip() for f in frames):
        text = "a contrast agent is named: blood makes the lungs denser"
        yield refuse(Code.ACQ_CONTRAST, text, Affects.DENSITY, Affects.MEAN_DENSITY)


def _kernel(frames: Sequence[Frame]) -> Iterable[Reason]:
    kernels = {(f.file.facts.manufacturer, f.file.facts.convolution_kernel) for f in frames}
    judged = {kernel_class(*kernel): kernel[1] for kernel in sorted(kernels)}
    if KernelClass.SHARP in judged:
        name = "\\".join(judged[KernelClass.SHARP])
        yield refuse(
            Code.ACQ_KERNEL, f"kernel {name} is too sharp for density; other HU values are less exact", Affects.DENSITY
        )
    elif KernelClass.UNKNOWN in judged:
        name = "\\".join(judged[KernelClass.UNKNOWN]) or "(empty)"
        yield warn(Code.ACQ_KERNUNK, f"kernel {name} is not known: density may be biased")


def _thickness(frames: Sequence[Frame], step_mm: float | None) -> Iterable[Reason]:
    """Slices of unknown thickness are taken to be as thick as they are apart."""
    thick_mm = max((f.geometry.slice_thickness_mm or step_mm or 0.0 for f in frames), default=0.0)
    if thick_mm > THICKEST_FOR_DENSITY_MM:
        yield refuse(
            Code.ACQ_DTHICK,
            f"slices are {round(thick_mm, 2):g} mm thick, density needs at most {THICKEST_FOR_DENSITY_MM:g} mm",
            Affects.DENSITY,
        )


def _expiration(facts: InstanceFacts) -> Iterable[Reason]:
    if _EXPIRATION.search(facts.series_description) or _EXPIRATION.search(facts.protocol_name):
        yield refuse(
            Code.ACQ_EXP,
            "the header names expiration: density is withheld, volumes are those of expiration",
            Affects.DENSITY,
            Affects.MEAN_DENSITY,
        )


def _position(frames: Sequence[Frame]) -> Iterable[Reason]:
    positions = {f.file.facts.patient_position.strip().upper() for f in frames}
    others = sorted(positions - USUAL_POSITIONS - {""})
    if others:
        yield refuse(Code.ACQ_PRONE, f"patient position {others[0]}: density depends on it", Affects.DENSITY)
    elif "" in positions:
        yield warn(Code.ACQ_PRONE, "the patient position is unknown; sides follow the image orientation")
