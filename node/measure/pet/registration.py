"""REG-SHIFT: whether the PET shows the patient where the CT does.

body        Dice of the CT's body and the PET's (uptake, smoothed by 4 mm, above a quarter of the median in the CT's
            soft tissue, filled), in the slices of the lungs and within the CT's field of view: at least 0.9
lung base   in the columns where the right lung lies on the liver: where the PET's median profile crosses half-way
            from liver to lung, relative to the CT's lung base: at most 15 mm away (breathing)

A base that cannot be told (no CT below it, no contrast between liver and lung) is not assessed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.errors import Code, Reason, warn
from node.measure.chest import Chest
from node.measure.pet.resample import on_pet_grid
from node.segment.body_air import body_and_air, filled_in_slices
from node.volume.pet import PetVolume

LEAST_DICE = 0.9
MOST_SHIFT_MM = 15.0
_SMOOTHING_MM = 4.0
_UPTAKE_FRAC = 0.25
_REACH_MM = 60.0  # of the profile, to both sides of the base
_LEVELS_MM = (25.0, 50.0)  # where liver (below) and lung (above) are sampled
_CONTRAST = 1.5  # liver over lung
_LEAST_COLUMNS_CM2 = 10.0


@dataclass(frozen=True, slots=True)
class Registration:
    """How CT and PET fit.

    `body_dice` is None where the CT has no lungs in the PET; `base_shift_mm` is above 0 where the PET's lung base is
    nearer the head, None where it was not assessed.
    """

    body_dice: float | None
    base_shift_mm: float | None
    reasons: tuple[Reason, ...]


def check_registration(pet: PetVolume, chest: Chest) -> Registration:
    """Compare body and lung base."""
    lungs = on_pet_grid(chest.lungs, chest.lps_from_grid, pet) > 0
    slices = np.flatnonzero(lungs.any(axis=(1, 2)))
    if not len(slices):
        return Registration(None, None, ())
    part = slice(int(slices[0]), int(slices[-1]) + 1)
    dice = _body_dice(pet, chest, lungs, part)
    shift_mm = _base_shift_mm(pet, on_pet_grid(chest.right, chest.lps_from_grid, pet) > 0)
    found = []
    if dice < LEAST_DICE:
        found.append(f"the body in CT and PET agrees with a Dice of {dice:.2f} (at least {LEAST_DICE:g} expected)")
    if shift_mm is not None and abs(shift_mm) > MOST_SHIFT_MM:
        found.append(f"the lung base in the PET is {shift_mm:+.0f} mm off the CT's (limit {MOST_SHIFT_MM:g} mm)")
    reasons = tuple(warn(Code.REG_SHIFT, f"misregistration: {text}") for text in found)
    return Registration(dice, shift_mm, reasons)


def _body_dice(pet: PetVolume, chest: Chest, lungs: NDArray[np.bool_], part: slice) -> float:
    ct_body = on_pet_grid(body_and_air(chest.hu)[0], chest.lps_from_grid, pet)[part] > 0
    in_view = on_pet_grid(np.ones(chest.hu.shape, bool), chest.lps_from_grid, pet)[part] > 0
    suv_zyx = pet.suv_zyx[part]
    soft = suv_zyx[ct_body & ~lungs[part]]
    if not soft.size:
        return 0.0
    smooth = ndimage.gaussian_filter(suv_zyx, [_SMOOTHING_MM / mm for mm in pet.spacing_zyx_mm])
    taken_up = smooth > _UPTAKE_FRAC * float(np.median(soft))
    labels, n = ndimage.label(taken_up)
    if n == 0:
        return 0.0
    counts = np.bincount(labels.ravel())
    counts[0] = 0
    pet_body = filled_in_slices(labels == int(counts.argmax())) & in_view
    both = int(np.count_nonzero(pet_body)) + int(np.count_nonzero(ct_body))
    return 2.0 * int(np.count_nonzero(pet_body & ct_body)) / both


def _base_shift_mm(pet: PetVolume, right: NDArray[np.bool_]) -> float | None:
    """Return where the PET's lung base lies relative to the CT's, mm towards the head."""
    suv_zyx = pet.suv_zyx
    if pet.lps_from_zyx[2, 0] < 0:  # slices run towards the feet
        suv_zyx, right = suv_zyx[::-1], right[::-1]
    dz, dy, dx = pet.spacing_zyx_mm
    profile = _profile(suv_zyx, right, round(_REACH_MM / dz), _LEAST_COLUMNS_CM2 * 100.0 / (dy * dx))
    if profile is None:
        return None
    at_mm = (np.arange(len(profile)) - len(profile) // 2 + 0.5) * dz  # 0: between the base and the voxel below it
    near, far = _LEVELS_MM
    liver = float(np.median(profile[(at_mm >= -far) & (at_mm <= -near)]))
    lung = float(np.median(profile[(at_mm >= near) & (at_mm <= far)]))
    if lung <= 0 or liver < _CONTRAST * lung:
        return None
    below = profile < (liver + lung) / 2.0
    i = int(np.flatnonzero(~below).max(initial=0)) + 1  # the first voxel from which on all are lung
    if i >= len(profile):
        return None
    share = (profile[i - 1] - (liver + lung) / 2.0) / (profile[i - 1] - profile[i])
    return float(at_mm[i - 1] + share * dz)


def _profile(
    suv_zyx: NDArray[np.float32], right: NDArray[np.bool_], reach: int, least_columns: float
) -> NDArray[np.float64] | None:
    """Return the median uptake along the columns over the lung's base, which is in the middle of the profile."""
    n_z = len(suv_zyx)
    base = right.argmax(axis=0)
    usable = right.any(axis=0) & (base >= reach) & (base + reach < n_z)
    # lung over the whole upper half: neither the tip of a recess nor the lung's steep side
    through = np.zeros(usable.shape, bool)
    y, x = np.nonzero(usable)
    if not len(y):
        return None
    rows = base[y, x][:, None] + np.arange(reach)
    through[y, x] = right[rows, y[:, None], x[:, None]].all(axis=1)
    y, x = np.nonzero(through)
    if len(y) < least_columns:
        return None
    rows = base[y, x][:, None] + np.arange(-reach, reach)
    profile: NDArray[np.float64] = np.median(suv_zyx[rows, y[:, None], x[:, None]].astype(np.float64), axis=0)
    return profile
