"""What the header of a PET instance says about its uptake: tracer, dose, times, body, units, corrections.

Values are as written, in SI units beside the clinical ones; nothing is judged here (`node/volume/pet` does). Times are
local to the scanner: an offset from UTC in a DT is left out, as all other times of a header have none.
"""

from dataclasses import dataclass
from datetime import datetime, time


@dataclass(frozen=True, slots=True)
class TracerFacts:
    """One item of Radiopharmaceutical Information Sequence (PS3.3 C.8.9.2)."""

    names: tuple[str, ...]  # Radiopharmaceutical, then the meanings of its codes
    code_values: tuple[str, ...]
    nuclide_names: tuple[str, ...]  # meanings of Radionuclide Code Sequence
    nuclide_code_values: tuple[str, ...]
    total_dose_bq: float | None
    half_life_s: float | None
    started: datetime | None  # Radiopharmaceutical Start DateTime
    start_time: time | None  # Radiopharmaceutical Start Time


@dataclass(frozen=True, slots=True)
class PetFacts:
    """One PET image (PS3.3 C.8.9.1 and C.8.9.4, C.7.2.2 for the body).

    `n_tracers` counts the items of Radiopharmaceutical Information Sequence, `tracer` is the first. The last four are
    private elements, found by their creator: GE's scan time, Siemens' decay reference time, Philips' factors.
    """

    n_tracers: int
    tracer: TracerFacts | None
    weight_kg: float | None
    size_m: float | None
    units: str
    suv_type: str
    corrected_image: tuple[str, ...]
    counts_source: str
    series_type: tuple[str, ...]
    decay_correction: str
    attenuation_method: str
    series_started: datetime | None
    acquired: datetime | None
    frame_duration_s: float | None
    frame_reference_s: float | None
    decay_factor: float | None
    ge_scan_started: datetime | None = None
    siemens_decay_reference: datetime | None = None
    philips_suv_factor: float | None = None
    philips_activity_factor: float | None = None
