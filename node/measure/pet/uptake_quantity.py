"""One number of one lesion's uptake, or why there is none (standards 2.3)."""

from dataclasses import dataclass
from enum import StrEnum

from node.errors import Reason
from node.volume.pet import SuvKind

ALGORITHM = "uptake/3"  # raised when any number can change


class Statistic(StrEnum):
    """What is said of the uptake."""

    MAX = "max"
    MEAN = "mean"  # over the 41 % mask
    PEAK = "peak"  # 1 cm3 sphere
    MTV = "mtv"  # cm3
    TLG = "tlg"  # g


class Threshold(StrEnum):
    """Which mask a metabolic volume is of."""

    MTV41 = "mtv41"
    MTV25 = "mtv25"
    MTV40 = "mtv40"


UNITS = {
    SuvKind.BW: "g/ml{SUVbw}",
    SuvKind.LBM: "g/ml{SUVlbm}",
    SuvKind.LBMJAMES128: "g/ml{SUVlbm(James128)}",
    SuvKind.LBMJANMA: "g/ml{SUVlbm(Janma)}",
}


@dataclass(frozen=True, slots=True)
class UptakeQuantity:
    """`value` is at full precision; None exactly where `refused_by` is not empty.

    `kind` says by which mass the SUV is normalised (of a TLG: the SUV in it); `threshold` is set for MTV and TLG.
    """

    statistic: Statistic
    kind: SuvKind
    threshold: Threshold | None
    value: float | None
    unit: str
    parameters: tuple[str, ...] = ()
    refused_by: tuple[Reason, ...] = ()
    algorithm: str = ALGORITHM
