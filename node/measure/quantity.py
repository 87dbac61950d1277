"""A measured value with its unit, definition, method and what refused it."""

from dataclasses import dataclass
from enum import StrEnum

from node.errors import Reason


class Side(StrEnum):
    """Of the patient."""

    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"


class Name(StrEnum):
    """Lung measurements; the unit follows from the name."""

    LUNG_VOLUME = "lung_volume"  # ml
    MEAN_LUNG_DENSITY = "mean_lung_density"  # HU
    SD_LUNG_DENSITY = "sd_lung_density"  # HU
    LAA_950 = "laa_950"  # percent
    LAA_910 = "laa_910"  # percent
    PERC15 = "perc15"  # HU
    PD15 = "pd15"  # g/l


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of one region, or why there is none.

    `value` is at full precision; None exactly where `refused_by` is not empty. `parameters` are "key=value" texts
    for the report's Algorithm Parameters; `algorithm` is the constant that is raised when any number can change.
    """

    name: Name
    side: Side
    zone: str | None
    value: float | None
    unit: str  # "ml", "HU", "percent", "g/l"
    definition: str
    algorithm: str
    parameters: tuple[str, ...] = ()
    refused_by: tuple[Reason, ...] = ()
    partial: bool = False  # GEO-PARTIAL: lungs are cut off, the number is a lower bound
