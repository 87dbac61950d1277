"""The uptake of one CT lesion on the PET grid (standards 2.3).

    SUVmax    in the search region (the CT lesion and 10 mm round it)
    SUVmean   over the 41 % mask
    SUVpeak   see `peak.py`; its centre runs over the 41 % mask
    SUL       SUV x lean body mass / weight, by Janmahasatian and by James' two forms
    MTV, TLG  see `metabolic_volume.py`

No number stands for "could not": below a fixed threshold there is no volume (PT-NOVOX), never 0. No number is a
neighbour's or the surroundings' (PT-SPILL): where a voxel just outside the search region is hotter than the region's
hottest, nothing is given; where uptake above a threshold does not end within the region, nothing that rests on that
threshold's mask is, and that of 41 % is the mean's and the peak's, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from node.errors import Affects, Code, Reason, refuse
from node.measure.pet.metabolic_volume import (
    FIXED_G_ML,
    goes_on,
    has_hotter_neighbour,
    mask_round_maximum,
    threshold_g_ml,
)
from node.measure.pet.peak import MOST_OUTSIDE_FRAC, suv_peak
from node.measure.pet.search_region import REACH_MM, SearchRegion
from node.measure.pet.uptake_quantity import UNITS, Statistic, Threshold, UptakeQuantity
from node.volume.pet import PetVolume, SuvKind

Index = tuple[int, int, int]
Point = tuple[float, float, float]

_LEAN = (SuvKind.LBMJANMA, SuvKind.LBM, SuvKind.LBMJAMES128)
_SEARCHED = "search=CT lesion dilated by 10 mm"


@dataclass(frozen=True, slots=True)
class LesionUptake:
    """One CT lesion in the PET.

    Attributes
    ----------
    label, name : of its CT segment
    quantities : every statistic, with its value or what refused it
    maximum_lps_mm, maximum_zyx, peak_centre_lps_mm : where; None where there is no such value
    mask_zyx, mask_origin_zyx : the 41 % mask in its box, and where that box begins; None where it was not measured or
        has no edge of its own
    shares_maximum_with : names of lesions whose maximum is the same voxel
    warnings : what makes the numbers less sure (REG-SHIFT: "misregistration")
    refused_by : why nothing of it was measured; then `quantities` is empty
    """

    label: int
    name: str
    quantities: tuple[UptakeQuantity, ...] = ()
    maximum_zyx: Index | None = None
    maximum_lps_mm: Point | None = None
    peak_centre_lps_mm: Point | None = None
    mask_zyx: NDArray[np.bool_] | None = None
    mask_origin_zyx: Index | None = None
    shares_maximum_with: tuple[str, ...] = ()
    warnings: tuple[Reason, ...] = ()
    refused_by: tuple[Reason, ...] = ()

    def value(
        self, statistic: Statistic, kind: SuvKind = SuvKind.BW, threshold: Threshold | None = None
    ) -> float | None:
        """Look one number up; None where it was refused."""
        wanted = (statistic, kind, threshold)
        return next((q.value for q in self.quantities if (q.statistic, q.kind, q.threshold) == wanted), None)


def lesion_uptake(pet: PetVolume, region: SearchRegion | None, label: int, name: str) -> LesionUptake:
    """Measure one lesion.

    Parameters
    ----------
    pet : volume
    region : where the lesion lies in it, None where it does not
    label, name : of its CT segment
    """
    if region is None or region.covered_frac < 1.0:
        covered = 0.0 if region is None else region.covered_frac
        text = f"the PET shows {100 * covered:.0f} % of the lesion's surface: it is cut off"
        return LesionUptake(label, name, refused_by=(refuse(Code.GEO_PARTIAL, text, Affects.SUV),))
    suv_zyx = pet.suv_zyx[region.box]
    local = _hottest(suv_zyx, region.mask_zyx)
    maximum = float(suv_zyx[local])
    if has_hotter_neighbour(pet.suv_zyx, region, local):
        text = (
            f"the hottest voxel within {REACH_MM:g} mm round the lesion, {maximum:.2f} g/ml, lies beside a hotter one "
            "outside: the uptake is a neighbour's"
        )
        return LesionUptake(label, name, refused_by=(refuse(Code.PT_SPILL, text, Affects.SUV),))
    lowest = threshold_g_ml(Threshold.MTV41, maximum)
    mask = mask_round_maximum(suv_zyx, region.mask_zyx, local, lowest)
    mask.setflags(write=False)
    has_edge = not goes_on(pet.suv_zyx, region, mask, lowest)
    origin: Index = (region.box[0].start, region.box[1].start, region.box[2].start)
    mean = _suv(pet, Statistic.MEAN, float(suv_zyx[mask].mean(dtype=np.float64)), ("mask=41 % of SUVmax",))
    peak, peak_at = _peak(pet, np.argwhere(mask) + origin, maximum)
    if not has_edge:
        spilt = _spilt(Threshold.MTV41, lowest, Affects.SUV)
        mean, peak, peak_at = _refused(mean, spilt), _refused(peak, spilt), None
    values = (_suv(pet, Statistic.MAX, maximum, (_SEARCHED,)), mean, peak)
    at: Index = (local[0] + origin[0], local[1] + origin[1], local[2] + origin[2])
    return LesionUptake(
        label=label,
        name=name,
        quantities=(*values, *_lean(pet, values), *_volumes(pet, region, local, maximum)),
        maximum_zyx=at,
        maximum_lps_mm=lps_of(pet, at),
        peak_centre_lps_mm=None if peak_at is None else lps_of(pet, peak_at),
        mask_zyx=mask if has_edge else None,
        mask_origin_zyx=origin if has_edge else None,
    )


def lps_of(pet: PetVolume, index: Index) -> Point:
    """Return the centre of a voxel, LPS mm."""
    x, y, z = (pet.lps_from_zyx[:3, :3] @ index + pet.lps_from_zyx[:3, 3]).tolist()
    return (x, y, z)


def _hottest(suv_zyx: NDArray[np.float32], mask_zyx: NDArray[np.bool_]) -> Index:
    z, y, x = (int(i) for i in np.unravel_index(np.where(mask_zyx, suv_zyx, -np.inf).argmax(), suv_zyx.shape))
    return (z, y, x)


def _suv(pet: PetVolume, statistic: Statistic, value: float, parameters: tuple[str, ...]) -> UptakeQuantity:
    return UptakeQuantity(statistic, pet.scale.kind, None, value, UNITS[pet.scale.kind], parameters)


def _peak(pet: PetVolume, centres_zyx: NDArray[np.int_], maximum: float) -> tuple[UptakeQuantity, Index | None]:
    parameters = ("peak=global-1cm3", "centres=41 % mask")
    kind = pet.scale.kind
    peak = suv_peak(pet.suv_zyx, pet.lps_from_zyx, centres_zyx, maximum)
    if peak is not None and peak.outside_frac <= MOST_OUTSIDE_FRAC:
        return UptakeQuantity(Statistic.PEAK, kind, None, peak.suv, UNITS[kind], parameters), peak.centre_zyx
    text = "every sphere of 1 cm3 in the lesion holds a hotter neighbour"
    if peak is not None:
        text = f"{100 * peak.outside_frac:.0f} % of the sphere of 1 cm3 lie outside the scan (limit 10 %)"
    refused = (refuse(Code.GEO_PARTIAL, text, Affects.SUV),)
    return UptakeQuantity(Statistic.PEAK, kind, None, None, UNITS[kind], parameters, refused), None


def _lean(pet: PetVolume, values: tuple[UptakeQuantity, ...]) -> Iterator[UptakeQuantity]:
    """Yield SUL of SUVbw; values of another kind are not turned into a second one."""
    scale = pet.scale
    if scale.kind is not SuvKind.BW:
        return
    for kind in _LEAN:
        mass_kg = scale.lean.of(kind)
        unknown = () if mass_kg is not None and scale.weight_kg else _why_no_lean_mass(pet)
        for quantity in values:
            refused_by = (*quantity.refused_by, *unknown)
            value = None
            if quantity.value is not None and mass_kg is not None and scale.weight_kg:
                value = quantity.value * mass_kg / scale.weight_kg
            yield UptakeQuantity(quantity.statistic, kind, None, value, UNITS[kind], quantity.parameters, refused_by)


def _why_no_lean_mass(pet: PetVolume) -> tuple[Reason, ...]:
    known = tuple(reason for reason in pet.scale.lean.reasons if Affects.SUL in reason.affects)
    return known or (refuse(Code.PT_HEIGHT, "the lean body mass is not known", Affects.SUL),)


def _volumes(pet: PetVolume, region: SearchRegion, local: Index, maximum: float) -> Iterator[UptakeQuantity]:
    suv_zyx = pet.suv_zyx[region.box]
    for threshold in Threshold:
        lowest = threshold_g_ml(threshold, maximum)
        parameters: tuple[str, ...] = (
            f"threshold={lowest:.4g} g/ml",
            f"SUV={pet.scale.kind}",
            "connected=6",
            _SEARCHED,
        )
        refused_by = _why_no_volume(pet, threshold, maximum)
        volume_ml = lesion_glycolysis_g = None
        if not refused_by:
            mask = mask_round_maximum(suv_zyx, region.mask_zyx, local, lowest)
            filled = np.count_nonzero(mask) / np.count_nonzero(region.mask_zyx)
            parameters = (*parameters, f"filled={100 * filled:.0f} % of the search region")
            if goes_on(pet.suv_zyx, region, mask, lowest):
                refused_by = (_spilt(threshold, lowest, Affects.METABOLIC_VOLUME),)
            else:
                volume_ml = int(np.count_nonzero(mask)) * pet.voxel_ml
                lesion_glycolysis_g = float(suv_zyx[mask].mean(dtype=np.float64)) * volume_ml
        for statistic, value, unit in (
            (Statistic.MTV, volume_ml, "cm3"),
            (Statistic.TLG, lesion_glycolysis_g, "g"),
        ):
            yield UptakeQuantity(statistic, pet.scale.kind, threshold, value, unit, parameters, refused_by)


def _why_no_volume(pet: PetVolume, threshold: Threshold, maximum: float) -> tuple[Reason, ...]:
    if not pet.scale.is_fdg:
        text = "the tracer is not FDG: thresholds of uptake do not hold"
        return (refuse(Code.PT_TRACER, text, Affects.METABOLIC_VOLUME),)
    fixed = FIXED_G_ML.get(threshold)
    if fixed is not None and pet.scale.kind is not SuvKind.BW:
        text = f"the threshold is an SUVbw, the values are normalised by {pet.scale.kind}"
        return (refuse(Code.PT_SUVTYPE, text, Affects.METABOLIC_VOLUME),)
    if maximum <= 0 or (fixed is not None and maximum < fixed):
        text = f"SUVmax {maximum:.2f} is below the threshold {threshold_g_ml(threshold, maximum):.2f} g/ml"
        return (refuse(Code.PT_NOVOX, text, Affects.METABOLIC_VOLUME),)
    return ()


def _spilt(threshold: Threshold, lowest: float, affects: Affects) -> Reason:
    at = f"{lowest:.2f} g/ml" + (" (41 % of SUVmax)" if threshold is Threshold.MTV41 else "")
    text = f"uptake of {at} goes on beyond {REACH_MM:g} mm round the lesion: the number would be of its surroundings"
    return refuse(Code.PT_SPILL, text, affects)


def _refused(quantity: UptakeQuantity, reason: Reason) -> UptakeQuantity:
    return replace(quantity, value=None, refused_by=quantity.refused_by or (reason,))
