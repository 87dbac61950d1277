"""The descending aorta beside the spine: where it is and how bright its blood is.

It is looked for in the 70 mm below the end of the windpipe, to the left of it and behind: even discs of 14 mm whose
centres are 6 to 20 mm from the left lung. The longest column of such discs, each within 7 mm of the next, is taken
for the aorta where it runs over 30 mm (of equally long ones the most even); else the question stays open.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_BELOW_MM = (0.0, 70.0)
_LEFT_MM = (2.0, 60.0)
_BEHIND_MM = (5.0, 45.0)
_RADIUS_MM = 7.0
_FROM_LUNG_MM = (6.0, 20.0)
_EVEN_SD_HU = 32.0
_BLOOD_HU = (0.0, 700.0)
_PER_SLICE = 8
_APART_MM = 5.0
_STEP_MM = 7.0
_SHORTEST_MM = 30.0


@dataclass(frozen=True, slots=True)
class Disc:
    """One cross section: where (index) and its mean and standard deviation, HU."""

    index: tuple[int, int, int]
    mean_hu: float
    sd_hu: float


def aorta_hu(
    hu: NDArray[np.int16],
    left_lung: NDArray[np.bool_],
    pipe_end: tuple[float, float, float],
    spacing_mm: tuple[float, float, float],
) -> float | None:
    """Return the mean attenuation of the descending aorta, or None where it was not found for certain.

    Parameters
    ----------
    hu, left_lung : (head, back, left) int16 and bool, the working grid.
    pipe_end : index of the windpipe's lower end there.
    spacing_mm : of that grid.
    """
    column = descending_column(hu, left_lung, pipe_end, spacing_mm)
    return float(np.median([disc.mean_hu for disc in column])) if column else None


def descending_column(
    hu: NDArray[np.int16],
    left_lung: NDArray[np.bool_],
    pipe_end: tuple[float, float, float],
    spacing_mm: tuple[float, float, float],
) -> tuple[Disc, ...]:
    """Return the discs of the longest even column, or nothing."""
    z_end, y_end, x_end = pipe_end
    dz, dy, dx = spacing_mm
    lowest, highest = int(z_end - _BELOW_MM[1] / dz), int(z_end - _BELOW_MM[0] / dz)
    rows = slice(max(int(y_end + _BEHIND_MM[0] / dy), 0), int(y_end + _BEHIND_MM[1] / dy))
    columns = slice(max(int(x_end + _LEFT_MM[0] / dx), 0), int(x_end + _LEFT_MM[1] / dx))
    discs: list[list[Disc]] = []
    for z in range(highest, max(lowest, 0) - 1, -1):
        found = _even_discs(hu[z, rows, columns], left_lung[z, rows, columns], (dy, dx))
        discs.append(
            [Disc((z, d.index[1] + rows.start, d.index[2] + columns.start), d.mean_hu, d.sd_hu) for d in found]
        )
    column = _longest(discs, spacing_mm)
    if not column or (column[0].index[0] - column[-1].index[0]) * dz < _SHORTEST_MM:
        return ()
    return column


def _longest(discs: list[list[Disc]], spacing_mm: tuple[float, float, float]) -> tuple[Disc, ...]:
    """Return the longest chain from slice to slice; of equally long ones the one with the least summed SD."""
    best: tuple[Disc, ...] = ()
    above: list[tuple[Disc, ...]] = []
    for here in discs:
        chains = []
        for disc in here:
            before = [chain for chain in above if _shift_mm(chain[-1], disc, spacing_mm) <= _STEP_MM]
            chains.append((*min(before, key=_rank, default=()), disc))
        best = min((best, *chains), key=_rank)
        above = chains
    return best


def _rank(chain: tuple[Disc, ...]) -> tuple[int, float]:
    return -len(chain), sum(disc.sd_hu for disc in chain)


def _shift_mm(above: Disc, below: Disc, spacing_mm: tuple[float, float, float]) -> float:
    return float(np.hypot(*(np.subtract(above.index, below.index) * spacing_mm)[1:]))


def _even_discs(hu: NDArray[np.int16], left_lung: NDArray[np.bool_], spacing_mm: tuple[float, float]) -> list[Disc]:
    """Return the most even discs of a slice, none within 5 mm of a better one."""
    if not left_lung.any() or min(hu.shape) < 3:
        return []
    dy, dx = spacing_mm
    mean, sd = _disc_statistics(hu, spacing_mm)
    from_lung = ndimage.distance_transform_edt(~left_lung, sampling=spacing_mm)
    possible = (from_lung >= _FROM_LUNG_MM[0]) & (from_lung <= _FROM_LUNG_MM[1])
    possible &= (mean > _BLOOD_HU[0]) & (mean < _BLOOD_HU[1]) & (sd <= _EVEN_SD_HU)
    y, x = np.ogrid[: hu.shape[0], : hu.shape[1]]
    found: list[Disc] = []
    while possible.any() and len(found) < _PER_SLICE:
        row, column = divmod(int(np.where(possible, sd, np.inf).argmin()), hu.shape[1])
        found.append(Disc((0, row, column), float(mean[row, column]), float(sd[row, column])))
        possible &= np.hypot((y - row) * dy, (x - column) * dx) > _APART_MM
    return found


def _disc_statistics(
    hu: NDArray[np.int16], spacing_mm: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation over the disc round every pixel, HU."""
    dy, dx = spacing_mm
    reach_y, reach_x = int(_RADIUS_MM / dy), int(_RADIUS_MM / dx)
    y, x = np.mgrid[-reach_y : reach_y + 1, -reach_x : reach_x + 1]
    disc = ((y * dy) ** 2 + (x * dx) ** 2 <= _RADIUS_MM**2).astype(np.float64)
    disc /= disc.sum()
    values = hu.astype(np.float64)
    mean: NDArray[np.float64] = ndimage.convolve(values, disc)
    spread: NDArray[np.float64] = ndimage.convolve(values * values, disc) - mean * mean
    return mean, np.sqrt(np.maximum(spread, 0.0))
