"""How far growth, PET and lung measures are from the truth on phantoms, for `docs/measurements.md`.

Nothing depends on the machine: fixed seeds, one thread where a library has several.
"""

from datetime import date
from functools import cache
from math import log, pi

import numpy as np
from numpy.typing import NDArray

from node.bench.lesion_error import SHIFTS, Lattice
from node.facts.kernel import KernelClass
from node.facts.series import SeriesFacts
from node.measure.histogram import at_or_below_percent, histogram, mean_hu, percentile_hu
from node.measure.lesions.growth import Examined, Growth, growth
from node.measure.lesions.size import measure_size
from node.measure.pet.metabolic_volume import RELATIVE, mask_round_maximum
from node.measure.pet.peak import suv_peak
from node.phantom.grid import grid_at
from node.phantom.phantom import LEFT_LUNG, RIGHT_LUNG
from node.phantom.render import mask_of
from node.phantom.shapes import sphere
from node.phantom.thorax import make_thorax, thorax_grid
from node.segment.contract import ModelIdentity, Task
from node.segment.rules import RUNTIME, RuleLungs
from node.volume.volume import Volume

_DAYS = 180
_GROWN_MM = (10.0, 14.0)
_HOT_MM, _HOT, _COLD = 30.0, 8.0, 1.0
_PET_GRID = (3.0, 4.0, 4.0)
_ORIGIN = (0.0, 0.0, 0.0)


def doubling_time_percent(lattice: Lattice, n_shifts: int = SHIFTS) -> NDArray[np.float64]:
    """Return the errors of the doubling time of a ball that grows from 10 to 14 mm in 180 days, in per cent."""
    small, large = (_sizes(lattice, mm, n_shifts, seed) for seed, mm in enumerate(_GROWN_MM))
    true_d = log(2.0) * _DAYS / log((_GROWN_MM[1] / _GROWN_MM[0]) ** 3)
    first, last = date(2024, 1, 1), date(2024, 6, 29)
    found = [growth(_examined(first, a), _examined(last, b)) for a, b in zip(small, large, strict=True)]
    times_d = [one.doubling_time_d for one in found if isinstance(one, Growth) and one.doubling_time_d is not None]
    return 100.0 * (np.array(times_d) - true_d) / true_d


def diameter_change_mm(lattice: Lattice, n_shifts: int = SHIFTS) -> NDArray[np.float64]:
    """Return the errors of the change in mean diameter of that ball, mm."""
    small, large = (_sizes(lattice, mm, n_shifts, seed) for seed, mm in enumerate(_GROWN_MM))
    changes_mm = [b[1] - a[1] for a, b in zip(small, large, strict=True)]
    return np.array(changes_mm) - (_GROWN_MM[1] - _GROWN_MM[0])


@cache
def _sizes(lattice: Lattice, diameter_mm: float, n_shifts: int, seed: int) -> list[tuple[float, float]]:
    """Return volume and mean diameter of a ball at random places within a voxel."""
    rng = np.random.default_rng(seed)
    found = []
    for shift in rng.uniform(-0.5, 0.5, (n_shifts, 3)):
        grid = lattice.at(shift * lattice.spacing_zyx_mm[::-1], diameter_mm / 2.0)
        size = measure_size(mask_of(grid, sphere(_ORIGIN, diameter_mm)), grid.lps_from_zyx)
        found.append((size.volume_mm3, size.mean_diameter_mm))
    return found


def _examined(day: date, size: tuple[float, float]) -> Examined:
    return Examined(day, KernelClass.SOFT, 1.0, "one", *size)


def uptake_errors(n_shifts: int = SHIFTS) -> dict[str, NDArray[np.float64]]:
    """Return the errors, in per cent, of a hot ball of 30 mm on a PET's grid: peak, volume at 41 %, glycolysis."""
    rng = np.random.default_rng(2024)
    true_ml = pi * _HOT_MM**3 / 6000.0
    errors: dict[str, list[float]] = {"SUVpeak": [], "MTV 41 %": [], "TLG 41 %": []}
    for shift in rng.uniform(-0.5, 0.5, (n_shifts, 3)):
        grid = grid_at((shift * _PET_GRID[::-1]).tolist(), (24, 20, 20), _PET_GRID)
        suv = np.where(mask_of(grid, sphere(_ORIGIN, _HOT_MM)), _HOT, _COLD).astype(np.float32)
        hottest = np.unravel_index(int(suv.argmax()), suv.shape)
        at = (int(hottest[0]), int(hottest[1]), int(hottest[2]))
        mask = mask_round_maximum(suv, np.ones(suv.shape, np.bool_), at, RELATIVE * _HOT)
        peak = suv_peak(suv, grid.lps_from_zyx, np.argwhere(mask), _HOT)
        ml = float(mask.sum()) * grid.voxel_ml
        errors["SUVpeak"].append(100.0 * ((peak.suv if peak else np.nan) - _HOT) / _HOT)
        errors["MTV 41 %"].append(100.0 * (ml - true_ml) / true_ml)
        errors["TLG 41 %"].append(100.0 * (ml * float(suv[mask].mean()) - true_ml * _HOT) / (true_ml * _HOT))
    return {name: np.array(values) for name, values in errors.items()}


def lung_errors(n_slices: int = 128, size: int = 192) -> dict[str, float]:
    """Return found minus true for the right lung of the thorax phantom, segmented by the rule-based model.

    The phantom has emphysema and noise; truth is the phantom's own mask, its nodule-free lung with the vessels in it.
    """
    phantom = make_thorax(thorax_grid(n_slices, size), emphysema_frac=0.25)
    volume = Volume(phantom.hu_zyx, phantom.grid.lps_from_zyx, (), None, 0.0, (), SeriesFacts(()))
    found = RuleLungs(ModelIdentity("lungs-rule", "1", "", Task.LUNGS, RUNTIME), threads=1).segment(volume)
    labels = getattr(found, "labels_zyx", np.zeros_like(phantom.labels_zyx))
    errors: dict[str, float] = {}
    for side, label in (("right", RIGHT_LUNG), ("left", LEFT_LUNG)):
        ours, true = histogram(phantom.hu_zyx[labels == label]), histogram(phantom.hu_zyx[phantom.labels_zyx == label])
        errors[f"{side} volume, %"] = 100.0 * (ours.n_voxels / true.n_voxels - 1.0)
        errors[f"{side} mean, HU"] = mean_hu(ours) - mean_hu(true)
        errors[f"{side} LAA-950, points"] = at_or_below_percent(ours, -950) - at_or_below_percent(true, -950)
        errors[f"{side} Perc15, HU"] = percentile_hu(ours, 15.0) - percentile_hu(true, 15.0)
    return errors


def cell(errors: NDArray[np.float64]) -> str:
    """Return bias ± standard deviation (largest error)."""
    return f"{errors.mean():+.2f} ± {errors.std():.2f} ({np.abs(errors).max():.2f})"
