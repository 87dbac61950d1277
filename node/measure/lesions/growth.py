"""Growth of one lesion between two examinations.

    volume change       100 (V2 - V1) / V1, from voxel volumes
    diameter change     mean diameter 2 - mean diameter 1
    doubling time       ln 2 * days / ln(V2 / V1), days between the dates of acquisition

Only where both were measured by the same algorithm, with kernels of the same known class and equally thick slices.
A change within our repeatability (25 % in volume, 2 mm in diameter, until test-retest data exist) is no change; a
doubling time also needs 30 days. A lesion that shrinks is "not growing" and has no doubling time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from math import log

from node.facts.kernel import KernelClass
from node.measure.lesions.diameter import whole

REPEATABLE_PERCENT = 25.0
REPEATABLE_MM = 2.0
SHORTEST_DAYS = 30
THICKNESS_AGREES_MM = 0.3


@dataclass(frozen=True, slots=True)
class Examined:
    """One lesion in one examination; measures are None where they were refused. `thick_mm`: slice thickness or step."""

    acquired: date
    kernel: KernelClass
    thick_mm: float
    algorithm: str
    volume_mm3: float | None
    mean_diameter_mm: float | None


@dataclass(frozen=True, slots=True)
class Growth:
    """`doubling_time_d` is None where there is none to give; `text` says why."""

    days: int
    volume_change_percent: float
    diameter_change_mm: float
    is_volume_changed: bool
    is_diameter_changed: bool
    doubling_time_d: float | None
    text: str


@dataclass(frozen=True, slots=True)
class NotCompared:
    """Why two examinations cannot be compared."""

    why: tuple[str, ...]


def growth(prior: Examined, current: Examined) -> Growth | NotCompared:
    """Compare a lesion with itself in an earlier examination."""
    why = tuple(_differences(prior, current))
    measures = (prior.volume_mm3, current.volume_mm3, prior.mean_diameter_mm, current.mean_diameter_mm)
    before_mm3, after_mm3, before_mm, after_mm = measures
    if before_mm3 is None or after_mm3 is None or before_mm is None or after_mm is None:
        return NotCompared((*why, "one of the two was not measured"))
    if why:
        return NotCompared(why)
    days = (current.acquired - prior.acquired).days
    percent, change_mm = 100.0 * (after_mm3 - before_mm3) / before_mm3, after_mm - before_mm
    is_changed = abs(percent) > REPEATABLE_PERCENT
    doubling_time_d = None
    if is_changed and percent > 0.0 and days >= SHORTEST_DAYS:
        doubling_time_d = log(2.0) * days / log(after_mm3 / before_mm3)
    text = f"{_volume_text(percent, days, doubling_time_d)} {_diameter_text(change_mm, days)}"
    return Growth(days, percent, change_mm, is_changed, abs(change_mm) > REPEATABLE_MM, doubling_time_d, text)


def _differences(prior: Examined, current: Examined) -> Iterator[str]:
    if current.acquired <= prior.acquired:
        yield "the prior examination is not earlier"
    if prior.algorithm != current.algorithm:
        yield "they were measured by different algorithms"
    if KernelClass.UNKNOWN in (prior.kernel, current.kernel):
        yield "a reconstruction kernel is unknown"
    elif prior.kernel is not current.kernel:
        yield f"the reconstruction kernels differ ({prior.kernel} and {current.kernel})"
    if abs(prior.thick_mm - current.thick_mm) > THICKNESS_AGREES_MM:
        yield f"the slices differ ({round(prior.thick_mm, 2):g} mm and {round(current.thick_mm, 2):g} mm)"


def _volume_text(percent: float, days: int, doubling_time_d: float | None) -> str:
    change = f"Volume {whole(percent):+d} % in {days} days"
    if abs(percent) <= REPEATABLE_PERCENT:
        return f"{change}, within our repeatability of {REPEATABLE_PERCENT:g} %."
    if percent < 0.0:
        return f"{change}, not growing."
    if doubling_time_d is None:
        return f"{change}; no doubling time under {SHORTEST_DAYS} days."
    return f"{change}, doubling time {whole(doubling_time_d)} days."


def _diameter_text(change_mm: float, days: int) -> str:
    change = f"Mean diameter {change_mm:+.1f} mm in {days} days"
    within = f", within our repeatability of {REPEATABLE_MM:g} mm" if abs(change_mm) <= REPEATABLE_MM else ""
    return f"{change}{within}."
