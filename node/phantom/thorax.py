"""An anthropomorphic thorax as arrays, with truth: what the demo sends and the tests measure.

Every voxel follows from solids (`anatomy.py`), so the same patient can be scanned on any grid: oblique, prone, coarse.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.phantom import anatomy
from node.phantom.branching import tree
from node.phantom.grid import AXIAL, Grid, grid_at
from node.phantom.nodules import paint_nodules
from node.phantom.phantom import LEFT_LUNG, RIGHT_LUNG, Nodule, Phantom
from node.phantom.render import paint
from node.phantom.shapes import Point, Tube

FIELD_OF_VIEW_MM = 400.0
LOWEST_MM = -190.0
HEIGHT_MM = 320.0
DEPENDENT_HU_PER_MM = 0.25  # lungs are denser towards the back of a patient who lies on it
EMPHYSEMA_HU = -975.0
CONTRAST_HU = 240.0  # how much brighter blood is with contrast


def thorax_grid(
    n_slices: int = 64, size: int = 512, *, orientation: Sequence[float] = AXIAL, height_mm: float = HEIGHT_MM
) -> Grid:
    """Lay a grid of this many slices and rows round the whole thorax."""
    spacing = (height_mm / n_slices, FIELD_OF_VIEW_MM / size, FIELD_OF_VIEW_MM / size)
    return grid_at((0.0, 8.0, LOWEST_MM + HEIGHT_MM / 2.0), (n_slices, size, size), spacing, orientation)


def make_thorax(
    grid: Grid,
    *,
    seed: int = 0,
    nodules: Sequence[Nodule] = (),
    noise_hu: float = 18.0,
    emphysema_frac: float = 0.0,
    contrast: bool = False,
    blur_mm: float = 0.5,
) -> Phantom:
    """Scan the phantom on a grid.

    Parameters
    ----------
    grid : Grid
        Where the voxels lie.
    seed : int
        Decides vessels, emphysema and noise; the same seed gives the same arrays.
    nodules : sequence of Nodule
        Where they are and how they look.
    noise_hu : float, HU
        Standard deviation of white noise.
    emphysema_frac : float, 0…1
        Share of each lung's voxels that is nearly air.
    contrast : bool
        Bright blood.
    blur_mm : float, mm
        Standard deviation of the point spread within a slice; 0 for none.
    """
    rng = np.random.default_rng(seed)
    labels_zyx = _lungs(grid)
    hu_zyx = _body(grid, CONTRAST_HU if contrast else 0.0)
    _parenchyma(hu_zyx, labels_zyx, grid)
    if emphysema_frac > 0:
        _emphysema(hu_zyx, labels_zyx, emphysema_frac, rng)
    _vessels(hu_zyx, labels_zyx, grid, rng, anatomy.BLOOD + (CONTRAST_HU if contrast else 0.0))
    kept = paint_nodules(hu_zyx, labels_zyx, grid, nodules)
    _image(hu_zyx, grid, rng, noise_hu, blur_mm)
    return Phantom(grid, np.rint(hu_zyx).astype(np.int16), labels_zyx, kept)


def _lungs(grid: Grid) -> NDArray[np.uint8]:
    """Label both lungs: two solids, without what presses into them."""
    labels_zyx = np.zeros(grid.shape_zyx, np.uint8)
    paint(labels_zyx, grid, anatomy.RIGHT, RIGHT_LUNG)
    paint(labels_zyx, grid, anatomy.LEFT, LEFT_LUNG)
    for part in anatomy.organs():
        paint(labels_zyx, grid, part.shape, 0)
    for tube in anatomy.AIRWAYS:
        paint(labels_zyx, grid, _thicker(tube), 0)
    return labels_zyx


def _body(grid: Grid, contrast_hu: float) -> NDArray[np.float32]:
    """Paint everything but the lungs' inside."""
    hu_zyx = np.full(grid.shape_zyx, anatomy.AIR, np.float32)
    outside = (anatomy.COUCH, anatomy.BODY, anatomy.MUSCLES)
    for part in (*outside, *anatomy.organs(), *anatomy.bones()):
        bright = contrast_hu if part.hu in (anatomy.BLOOD, anatomy.HEART) else 0.0
        paint(hu_zyx, grid, part.shape, part.hu + bright)
    for tube in anatomy.AIRWAYS:
        paint(hu_zyx, grid, _thicker(tube), anatomy.MUSCLE)
    for tube in anatomy.AIRWAYS:
        paint(hu_zyx, grid, tube, anatomy.AIRWAY)
    return hu_zyx


def _thicker(tube: Tube) -> Tube:
    wall = anatomy.WALL_MM
    return Tube(tube.start_lps_mm, tube.end_lps_mm, tube.start_radius_mm + wall, tube.end_radius_mm + wall)


def _parenchyma(hu_zyx: NDArray[np.float32], labels_zyx: NDArray[np.uint8], grid: Grid) -> None:
    """Fill the lungs, denser towards the back."""
    matrix = grid.lps_from_zyx
    at = np.nonzero(labels_zyx)
    posterior_mm = matrix[1, 3] + sum(
        (matrix[1, axis] * at[axis].astype(np.float32) for axis in range(3)), np.float32(0.0)
    )
    hu_zyx[at] = anatomy.LUNG + DEPENDENT_HU_PER_MM * posterior_mm


def _emphysema(
    hu_zyx: NDArray[np.float32], labels_zyx: NDArray[np.uint8], frac: float, rng: np.random.Generator
) -> None:
    """Empty the given share of each lung, in blobs about as wide as a secondary lobule."""
    coarse = rng.normal(size=tuple(max(2, n // 8) for n in labels_zyx.shape))
    field = ndimage.zoom(coarse, np.divide(labels_zyx.shape, coarse.shape), order=1)
    for label in (RIGHT_LUNG, LEFT_LUNG):
        lung = labels_zyx == label
        if lung.any():
            hu_zyx[lung & (field <= np.quantile(field[lung], frac))] = EMPHYSEMA_HU


def _vessels(
    hu_zyx: NDArray[np.float32], labels_zyx: NDArray[np.uint8], grid: Grid, rng: np.random.Generator, blood_hu: float
) -> None:
    """Grow arteries and bronchi from each hilum; only what lies in that lung shows."""
    for label, hilum, outwards in (
        (RIGHT_LUNG, anatomy.RIGHT_HILUM, -1.0),
        (LEFT_LUNG, anatomy.LEFT_HILUM, 1.0),
    ):
        lung = labels_zyx == label
        for direction in _directions(outwards):
            for tube in tree(hilum, direction, generations=7, length_mm=34.0, radius_mm=3.6, rng=rng):
                paint(hu_zyx, grid, tube, blood_hu, only_where=lung)
            bronchi = tree(hilum, direction, generations=3, length_mm=24.0, radius_mm=2.6, rng=rng)
            for tube in bronchi:
                paint(hu_zyx, grid, _thicker(tube), -100.0, only_where=lung)
            for tube in bronchi:
                paint(hu_zyx, grid, tube, anatomy.AIRWAY, only_where=lung)


def _directions(outwards: float) -> tuple[Point, ...]:
    """Return where the lobes lie, seen from a hilum."""
    return (
        (outwards * 0.6, -0.4, 1.0), (outwards * 0.9, -0.6, -0.1), (outwards * 0.7, 0.7, -0.5),
        (outwards * 0.6, 0.2, -1.0), (outwards * 0.8, 0.5, 0.6),
    )  # fmt: skip


def _image(hu_zyx: NDArray[np.float32], grid: Grid, rng: np.random.Generator, noise_hu: float, blur_mm: float) -> None:
    """Blur and add noise, slice by slice, as a scanner would."""
    _, *spacing_yx_mm = grid.spacing_zyx_mm
    for plane in hu_zyx:
        if blur_mm > 0:
            ndimage.gaussian_filter(plane, [blur_mm / mm for mm in spacing_yx_mm], output=plane, truncate=3.0)
        if noise_hu > 0:
            np.add(plane, noise_hu * rng.standard_normal(plane.shape, np.float32), out=plane)
    np.clip(hu_zyx, -1024.0, 3071.0, out=hu_zyx)
