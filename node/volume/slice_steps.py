"""Whether sorted slices form one gapless, equal, straight stack that is thin enough (standards 4.1)."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from node.errors import Affects, Code, Reason, refuse, warn
from node.facts.limits import LEAST_EXTENT_MM, LEAST_SLICES, THICKEST_MM, UNEVEN_FRAC, UNEVEN_MM
from node.volume.frame import Frame
from node.volume.plane import angle_deg

GAP_RATIO = 1.5  # GEO-GAP: of the median step
MAX_TILT_DEG = 0.5  # GEO-TILT
THICK_NO_LESIONS_MM = 5.0  # GEO-THICK, with THICKEST_MM the four steps of its row
THICK_NO_SMALL_LESIONS_MM = 3.0
THICK_WARNED_MM = 1.5
SHOWN_GAPS = 5


def check_steps(
    positions_lps_mm: NDArray[np.float64], along_mm: NDArray[np.float64], normal: NDArray[np.float64]
) -> tuple[Reason, ...]:
    """Check count, steps and direction of a stack.

    Parameters
    ----------
    positions_lps_mm : (n, 3), mm
        Image Position (Patient), one per place, sorted along the normal.
    along_mm : (n,), mm
        Their projections, ascending.
    normal : (3,)
        Slice normal.
    """
    if len(along_mm) < 2:
        return tuple(_few(along_mm))
    irregular = (*_regular(along_mm), *_tilt(positions_lps_mm, normal))
    return (*_few(along_mm), *(irregular or _straight(positions_lps_mm)))


def check_thickness(frames: Sequence[Frame], step_mm: float) -> tuple[Reason, ...]:
    """Check the thicker of Slice Thickness and step."""
    thicknesses = [f.geometry.slice_thickness_mm for f in frames if f.geometry.slice_thickness_mm]
    thick_mm = max([step_mm, *thicknesses])
    text = f"slices are {round(thick_mm, 2):g} mm thick or apart"
    if thick_mm > THICKEST_MM:
        return (refuse(Code.GEO_THICK, f"{text}, at most {THICKEST_MM:g} mm can be read"),)
    if thick_mm > THICK_NO_LESIONS_MM:
        text += f": over {THICK_NO_LESIONS_MM:g} mm too thick to measure sizes or density"
        return (refuse(Code.GEO_THICK, text, Affects.LESIONS, Affects.DENSITY),)
    if thick_mm > THICK_NO_SMALL_LESIONS_MM:
        text += (
            f": over {THICK_NO_SMALL_LESIONS_MM:g} mm too thick to measure what is under 10 mm, volumes are less exact"
        )
        return (refuse(Code.GEO_THICK, text, Affects.SMALL_LESIONS),)
    if thick_mm > THICK_WARNED_MM:
        return (
            warn(Code.GEO_THICK, f"{text}: over {THICK_WARNED_MM:g} mm small structures are measured less exactly"),
        )
    return ()


def _few(along_mm: NDArray[np.float64]) -> Iterable[Reason]:
    n = len(along_mm)
    step_mm = float(np.median(np.diff(along_mm))) if n > 1 else 0.0
    extent_mm = float(along_mm[-1] - along_mm[0]) + step_mm
    if n < LEAST_SLICES or extent_mm < LEAST_EXTENT_MM:
        yield refuse(
            Code.GEO_FEW,
            f"{n} slices over {extent_mm:.1f} mm; at least {LEAST_SLICES} slices and {LEAST_EXTENT_MM:g} mm are needed",
        )


def _regular(along_mm: NDArray[np.float64]) -> Iterable[Reason]:
    steps = np.diff(along_mm)
    median = float(np.median(steps))
    gaps = np.flatnonzero(steps > GAP_RATIO * median)
    if gaps.size:
        shown = ", ".join(f"{along_mm[i]:.2f} to {along_mm[i + 1]:.2f}" for i in gaps[:SHOWN_GAPS].tolist())
        yield refuse(Code.GEO_GAP, f"{gaps.size} gaps in steps of {median:.3f} mm along the normal: {shown} mm")
        return
    largest = float(np.abs(steps - median).max())
    limit = _uneven_mm(median)
    if largest > limit:
        yield refuse(
            Code.GEO_UNEVEN,
            f"steps run from {steps.min():.3f} to {steps.max():.3f} mm, median {median:.3f}, limit {limit:.3f} off it",
        )


def _straight(positions_lps_mm: NDArray[np.float64]) -> tuple[Reason, ...]:
    """Steps that are even one by one may drift off the grid together, or shift within their plane and back."""
    first, last = positions_lps_mm[0], positions_lps_mm[-1]
    even = first + np.linspace(0.0, 1.0, len(positions_lps_mm))[:, None] * (last - first)
    off_mm = float(np.abs(positions_lps_mm - even).max())
    limit = _uneven_mm(float(np.linalg.norm(last - first)) / (len(positions_lps_mm) - 1))
    if off_mm < limit:
        return ()
    return (refuse(Code.GEO_UNEVEN, f"slices lie up to {off_mm:.3f} mm off an even stack, limit {limit:.3f}"),)


def _uneven_mm(step_mm: float) -> float:
    return max(UNEVEN_FRAC * step_mm, UNEVEN_MM)


def _tilt(positions_lps_mm: NDArray[np.float64], normal: NDArray[np.float64]) -> Iterable[Reason]:
    tilt_deg = angle_deg(positions_lps_mm[-1] - positions_lps_mm[0], normal)
    if tilt_deg > MAX_TILT_DEG:
        yield refuse(
            Code.GEO_TILT, f"slices are stacked {tilt_deg:.2f} degrees off their normal, limit {MAX_TILT_DEG:g}"
        )
