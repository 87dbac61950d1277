"""GEO-PARTIAL: lungs that the scan cuts off, at an end slice or at the border of the field of view.

At an end slice more than 1 cm² of mask counts. Within slices the border is the picture's edge, or that of the round
field of view: pixels that are padding in every slice. Lungs are cut through, so that much or all of one may be missing,
where an end or the border cuts a quarter of their largest cross section.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.errors import Affects, Code, Reason, refuse

_LIMIT_MM2 = 100.0
_THROUGH_FRAC = 0.25
_PADDING_HU = -1024  # what a volume holds where the scan has no value


@dataclass(frozen=True, slots=True)
class CutOff:
    """GEO-PARTIAL with where and how much, or no reasons; whether the lungs are cut through."""

    reasons: tuple[Reason, ...]
    is_through: bool


def cut_off(hu_zyx: NDArray[np.int16], lungs_zyx: NDArray[np.bool_], lps_from_zyx: NDArray[np.float64]) -> CutOff:
    """Find where a scan cuts the lungs off.

    Parameters
    ----------
    hu_zyx : (slices, rows, columns) int16, Hounsfield units.
    lungs_zyx : (slices, rows, columns) bool.
    lps_from_zyx : (4, 4) float64, mm; says which end is towards the head.
    """
    dz, dy, dx = np.linalg.norm(lps_from_zyx[:3, :3], axis=0).tolist()
    ends = ("lowest", "highest") if lps_from_zyx[2, 0] >= 0 else ("highest", "lowest")
    slices_mm2 = np.count_nonzero(lungs_zyx, axis=(1, 2)) * dy * dx
    ends_mm2 = [float(slices_mm2[z]) for z in (0, -1)]
    sides_mm2 = _contact_mm2(hu_zyx, lungs_zyx, dz * (dy + dx) / 2.0)
    found = [
        f"the {end} slice over {area_mm2 / 100.0:.1f} cm²"
        for end, area_mm2 in zip(ends, ends_mm2, strict=True)
        if area_mm2 > _LIMIT_MM2
    ]
    if sides_mm2 > _LIMIT_MM2:
        found.append(f"the border of the field of view over {sides_mm2 / 100.0:.1f} cm²")
    if not found:
        return CutOff((), is_through=False)
    is_through = max(*ends_mm2, sides_mm2) >= _THROUGH_FRAC * float(slices_mm2.max())
    text = f"both lungs together are cut off: they touch {' and '.join(found)} (limit 1 cm²); volumes are lower bounds"
    return CutOff((refuse(Code.GEO_PARTIAL, text, Affects.DENSITY, Affects.MEAN_DENSITY),), is_through)


def _contact_mm2(hu_zyx: NDArray[np.int16], lungs_zyx: NDArray[np.bool_], face_mm2: float) -> float:
    """Measure the mask's surface on the field's border; `face_mm2` is one voxel's side."""
    seen_yx = np.pad(hu_zyx.max(axis=0) > _PADDING_HU, 1)
    rim_yx = seen_yx & ~ndimage.binary_erosion(seen_yx)
    ys, xs = np.nonzero(rim_yx[1:-1, 1:-1])
    return float(np.count_nonzero(lungs_zyx[:, ys, xs])) * face_mm2
