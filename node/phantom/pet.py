"""The thorax as an FDG-PET: uptake per organ in SUVbw (g/ml), blurred as a scanner blurs, hot nodules of known SUV."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from node.phantom import anatomy
from node.phantom.grid import Grid, grid_at
from node.phantom.phantom import Nodule, Phantom
from node.phantom.render import paint
from node.phantom.shapes import Shape, sphere
from node.phantom.thorax import HEIGHT_MM, LOWEST_MM

VOXEL_MM = 4.0
FIELD_OF_VIEW_MM = 512.0
BLUR_FWHM_MM = 5.0
NOISE_SHARE = 0.05  # standard deviation as a share of the uptake

BODY_SUV = 0.6
# Organs and their uptake, in the order of painting; values of a fasting patient an hour after injection.
_ORGANS: tuple[tuple[Shape, float], ...] = (
    (anatomy.BODY.shape, BODY_SUV),
    (anatomy.RIGHT, 0.45),
    (anatomy.LEFT, 0.45),
    (anatomy.MEDIASTINUM.shape, 1.3),
    (anatomy.LIVER_DOME.shape, 2.3),
    (anatomy.SPLEEN_DOME.shape, 1.9),
    (anatomy.HEART_BODY.shape, 2.6),
    (anatomy.AORTA_DESCENDING.shape, 1.6),
    (anatomy.AORTA_ARCH.shape, 1.6),
    (anatomy.AORTA_ASCENDING.shape, 1.6),
)


def pet_grid(n_slices: int | None = None) -> Grid:
    """Lay a PET's own grid round the thorax: coarser than the CT's, with other voxel centres."""
    n = n_slices or round(HEIGHT_MM / VOXEL_MM)
    size = round(FIELD_OF_VIEW_MM / VOXEL_MM)
    spacing = (HEIGHT_MM / n, VOXEL_MM, VOXEL_MM)
    return grid_at((1.3, 6.1, LOWEST_MM + HEIGHT_MM / 2.0), (n, size, size), spacing)


def make_pet(grid: Grid, *, seed: int = 0, nodules: Sequence[Nodule] = (), blur_mm: float = BLUR_FWHM_MM) -> Phantom:
    """Scan the uptake on a grid.

    Parameters
    ----------
    grid : Grid
        Of the PET.
    seed : int
        Decides the noise.
    nodules : sequence of Nodule
        Those with `suv_g_ml` are hot.
    blur_mm : float, mm
        Full width at half maximum of the point spread; 0 for none. It lowers the maximum of small nodules.

    Returns
    -------
    Phantom with `suv_zyx`; labels 3… are the hot nodules, without blur. `hu_zyx` is empty air.
    """
    suv_zyx = np.zeros(grid.shape_zyx, np.float32)
    labels_zyx = np.zeros(grid.shape_zyx, np.uint8)
    for shape, suv_g_ml in _ORGANS:
        paint(suv_zyx, grid, shape, suv_g_ml)
    hot = tuple(nodule for nodule in nodules if nodule.suv_g_ml is not None)
    for label, nodule in enumerate(hot, start=3):
        ball = sphere(nodule.centre_lps_mm, nodule.diameter_mm)
        paint(suv_zyx, grid, ball, nodule.suv_g_ml or 0.0)
        paint(labels_zyx, grid, ball, label)
    if blur_mm > 0:
        sigma = [blur_mm / 2.355 / mm for mm in grid.spacing_zyx_mm]
        suv_zyx = ndimage.gaussian_filter(suv_zyx, sigma, truncate=3.0)
    rng = np.random.default_rng(seed)
    suv_zyx *= 1.0 + NOISE_SHARE * rng.standard_normal(grid.shape_zyx, np.float32)
    hu_zyx = np.full(grid.shape_zyx, -1000, np.int16)
    return Phantom(grid, hu_zyx, labels_zyx, hot, np.maximum(suv_zyx, 0.0).astype(np.float32))
