"""PET headers as values: one good series, and what a test changes of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time

import pytest

from node.errors import Affects, Code, Reason, Severity
from node.facts.pet import PetFacts, TracerFacts
from node.volume.pet.suv import SuvScale, suv_scale

BEGAN = datetime(2024, 5, 6, 10, 0, 0)
INJECTED = datetime(2024, 5, 6, 9, 0, 0)
HALF_LIFE_S = 6586.2
DOSE_BQ = 3e8
TRACER = TracerFacts(
    names=("FDG",),
    code_values=("35321007",),
    nuclide_names=("^18^Fluorine",),
    nuclide_code_values=("77004003",),
    total_dose_bq=DOSE_BQ,
    half_life_s=HALF_LIFE_S,
    started=INJECTED,
    start_time=time(9, 0, 0),
)
PET = PetFacts(
    n_tracers=1,
    tracer=TRACER,
    weight_kg=70.0,
    size_m=1.7,
    units="BQML",
    suv_type="",
    corrected_image=("DECY", "ATTN"),
    counts_source="EMISSION",
    series_type=("WHOLE BODY", "IMAGE"),
    decay_correction="START",
    attenuation_method="CT",
    series_started=BEGAN,
    acquired=BEGAN,
    frame_duration_s=None,
    frame_reference_s=None,
    decay_factor=None,
)


@dataclass(frozen=True)
class Judged:
    """What the table says of a series."""

    scale: SuvScale | None
    reasons: tuple[Reason, ...]

    @property
    def refusing(self) -> set[Code]:
        """Codes that refuse SUV or the PET part."""
        return {
            r.code
            for r in self.reasons
            if r.severity is Severity.REFUSE and set(r.affects) & {Affects.SUV, Affects.PET}
        }

    @property
    def warned(self) -> set[Code]:
        return {r.code for r in self.reasons if r.severity is Severity.WARN}

    def text_of(self, code: Code) -> str:
        return next(r.text for r in self.reasons if r.code is code)

    @property
    def factor(self) -> float:
        assert self.scale is not None, self.reasons
        assert self.scale.factor is not None
        return self.scale.factor


Judge = Callable[..., Judged]


def with_tracer(**changes: object) -> TracerFacts:
    return replace(TRACER, **changes)


@pytest.fixture
def judge() -> Judge:
    """Judge a good series with changes; `slices` gives further changes to each of its slices."""

    def judged(
        *,
        sex: str = "M",
        description: str = "PET AC",
        is_ge: bool = False,
        slices: Sequence[dict] = ({}, {}),
        **changes,
    ) -> Judged:
        facts = [replace(PET, **(changes | of_slice)) for of_slice in slices]
        return Judged(*suv_scale(facts, sex=sex, description=description, is_ge=is_ge))

    return judged
