"""The plane that parts the chest into mirror images, found by its bones: spine, ribs and sternum.

A mass, a collapsed lobe or a shifted heart moves lungs and mediastinum, but not the bones. One tilt holds for the
scan; where the plane lies is looked for on each slice, since spines are bent. Everything is on the working grid of
about 2 mm.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_BONE_HU = 180
_BLUR_MM = (8.0, 6.0, 6.0)  # ribs slant: what lies right on one slice lies left a few slices on
_SHIFTS_MM = np.arange(-30.0, 30.1, 2.0)  # of the plane, from the middle of the lungs' box
_TILTS_DEG = np.arange(-10.0, 10.1, 2.0)  # of a patient who lies on a side a little
_STEADY_MM = 30.0  # a spine does not bend within less

Mask = NDArray[np.bool_]
Spacing = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Midplane:
    """Where the plane lies.

    Attributes
    ----------
    columns : (slices, rows) float64, the column of the plane on every row of every slice.
    """

    columns: NDArray[np.float64]

    def mirrored(self, mask: Mask) -> Mask:
        """Return the mirror image of a (head, back, left) mask."""
        at = np.rint(2.0 * self.columns[:, :, None] - np.arange(mask.shape[2])).astype(np.intp)
        inside = (at >= 0) & (at < mask.shape[2])
        image: Mask = np.take_along_axis(mask, np.clip(at, 0, mask.shape[2] - 1), axis=2) & inside
        return image


def midplane(hu: NDArray[np.int16], lungs: Mask, spacing_mm: Spacing) -> Midplane:
    """Find the plane: where the mirror image of the bones fits the bones best.

    Parameters
    ----------
    hu, lungs : (head, back, left) int16 and bool, not empty.
    spacing_mm : mm, the same order.
    """
    sigmas = [blur / mm for blur, mm in zip(_BLUR_MM, spacing_mm, strict=True)]
    bone = ndimage.gaussian_filter((hu >= _BONE_HU).astype(np.float32), sigmas)
    z, y, x = np.nonzero(lungs)
    row, column = (y.min() + y.max()) / 2.0, (x.min() + x.max()) / 2.0
    rows = np.arange(hu.shape[1]) - row
    shifts = _SHIFTS_MM / spacing_mm[2]
    tilts = np.tan(np.deg2rad(_TILTS_DEG)) * spacing_mm[1] / spacing_mm[2]
    overlaps = _self_overlaps(bone[z.min() : z.max() + 1])  # above and below are shoulders and arms
    fits = np.array([[_fit(overlaps, column + shift + tilt * rows) for shift in shifts] for tilt in tilts])
    tilt = int(fits.mean(2).max(1).argmax())
    steady = ndimage.median_filter(shifts[fits[tilt].argmax(0)], 2 * round(_STEADY_MM / 2.0 / spacing_mm[0]) + 1)
    found = np.pad(steady, (z.min(), len(hu) - 1 - z.max()), mode="edge")
    return Midplane(column + found[:, None] + tilts[tilt] * rows[None, :])


def _self_overlaps(bone: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return for each row how much of it meets its own mirror image, by twice the column of the mirror.

    That is the row's convolution with itself, each slice divided by what all of it would give.
    """
    n = 2 * bone.shape[2]
    spectrum = np.fft.rfft(bone, n, axis=2)
    whole = np.einsum("zyx,zyx->z", bone, bone)
    overlaps: NDArray[np.float32] = np.fft.irfft(spectrum**2, n, axis=2).astype(np.float32)
    overlaps /= np.maximum(whole, 1e-6)[:, None, None]
    return overlaps


def _fit(overlaps: NDArray[np.float32], columns: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return how much of each slice meets its mirror image, 0 to 1."""
    at = np.rint(2.0 * columns).astype(np.intp)
    inside = np.nonzero((at >= 0) & (at < overlaps.shape[2]))[0]
    fit: NDArray[np.float32] = overlaps[:, inside, at[inside]].sum(1)
    return fit
