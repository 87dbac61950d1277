"""The PET as pictures: a CT slice's plane through it, and all of the chest seen from the front."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from node.report.panel import YELLOW, Box, Outlined, Plane, Ring, draw_panel
from node.report.pet_result import MeasuredPet
from node.report.segments import Tracked, rgb
from node.volume.volume import Volume

TOP_G_ML = 10.0  # black; nothing is white
_STORED = 100.0  # a plane holds whole numbers: hundredths of an SUV, negative, so that uptake is dark
WINDOW = (-_STORED * TOP_G_ML, 0.0)
_MARK_MM = 9.0  # radius of a circle
CAPTION = f"PET, SUV 0 to {TOP_G_ML:g}"


def pet_on_slice(
    pet: MeasuredPet, volume: Volume, z: int, plane: Plane, size: int, *, outlined: list[Outlined], box: Box
) -> Image.Image:
    """Draw the PET in the plane of a CT slice, between its voxels by linear interpolation.

    Parameters
    ----------
    z : the CT slice, whose `plane` says how it lies.
    outlined : of the CT.
    box : the part of the slice that is shown.
    """
    _, rows, columns = volume.hu_zyx.shape
    matrix = np.linalg.inv(pet.volume.lps_from_zyx) @ volume.lps_from_zyx
    y, x = np.mgrid[:rows, :columns]
    at = matrix[:3, 0, None, None] * z + matrix[:3, 1, None, None] * y + matrix[:3, 2, None, None] * x
    at += matrix[:3, 3, None, None]
    suv_yx = ndimage.map_coordinates(pet.volume.suv_zyx, at, order=1, mode="constant", cval=0.0)
    shown = Plane(_dark(suv_yx), plane.spacing_yx_mm, plane.row_lps, plane.column_lps)
    return draw_panel(shown, size, WINDOW, outlined=outlined, box=box, caption=CAPTION)


def pet_from_front(
    pet: MeasuredPet, volume: Volume, tracked: tuple[Tracked, ...], size: int, *, n_foci: int
) -> Image.Image:
    """Draw the highest uptake along the view, in the height of the CT, with lesions and candidates marked.

    Parameters
    ----------
    n_foci : how many candidates the words beside the picture name, the hottest first; no other is marked.
    """
    lps, suv_zyx = pet.volume.lps_from_zyx, pet.volume.suv_zyx
    depth, across, up = (int(np.abs(lps[i, :3]).argmax()) for i in (1, 0, 2))
    projected = suv_zyx.max(axis=depth)
    if across < up:
        projected = projected.T  # rows are along the body
    spacing_mm = pet.volume.spacing_zyx_mm
    marks = _marks(pet, tracked, n_foci, (up, across), projected.shape)
    heights_mm = lps[2, 3] + lps[2, up] * np.arange(projected.shape[0])
    low, high = _heights_mm(volume)
    rows = np.flatnonzero((heights_mm >= low) & (heights_mm <= high))
    part = slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) else slice(None)
    upright, leftward = (-1 if lps[2, up] > 0 else 1), (1 if lps[0, across] > 0 else -1)

    seen = (part, slice(None))
    turn = (slice(None, None, upright), slice(None, None, leftward))
    plane = Plane(
        _dark(projected[seen][turn]),
        (spacing_mm[up], spacing_mm[across]),
        (1.0, 0.0, 0.0),
        (0.0, 0.0, -1.0),
    )
    rings = []
    for mask, colour, name in marks:
        for y, x in np.argwhere(mask[seen][turn]).tolist():
            rings.append(Ring((y, x), _MARK_MM, colour, name))
    return draw_panel(plane, size, WINDOW, outlined=rings, caption="PET, projected")


def _dark(suv_yx: NDArray[np.float32]) -> NDArray[np.int16]:
    stored: NDArray[np.int16] = np.rint(-_STORED * np.clip(suv_yx, 0.0, TOP_G_ML)).astype(np.int16)
    return stored


def _heights_mm(volume: Volume) -> tuple[float, float]:
    """Return the lowest and the highest place of the CT along the body."""
    n_z, n_y, n_x = volume.hu_zyx.shape
    corners = np.array([[z, y, x, 1] for z in (0, n_z - 1) for y in (0, n_y - 1) for x in (0, n_x - 1)])
    heights_mm = corners @ volume.lps_from_zyx[2]
    return float(heights_mm.min()), float(heights_mm.max())


def _marks(
    pet: MeasuredPet,
    tracked: tuple[Tracked, ...],
    n_foci: int,
    axes: tuple[int, int],
    shape: tuple[int, ...],
) -> list[tuple[NDArray[np.bool_], tuple[int, int, int], str]]:
    """Return the pixel of each lesion's maximum and of each candidate's, with colour and name."""
    of = {t.segment.label: t for t in tracked}
    found = [
        (lesion.maximum_zyx, rgb(of[lesion.label]), of[lesion.label].short_label)
        for lesion in pet.found.lesions
        if lesion.maximum_zyx is not None and lesion.label in of
    ]
    found += [(focus.maximum_zyx, YELLOW, str(n)) for n, focus in enumerate((pet.found.foci or ())[:n_foci], start=1)]
    marks = []
    for at, colour, name in found:
        mask = np.zeros(shape, np.bool_)
        mask[at[axes[0]], at[axes[1]]] = True
        marks.append((mask, colour, name))
    return marks
