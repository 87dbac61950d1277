"""Read one row of a set of slices: the picture in Hounsfield units where it has them, and the mask as stored."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from node.errors import InputRefused
from node.learn.index import Row

_WINDOW_HU = (-1000.0, 400.0)  # what a windowed 8-bit picture is taken to show, 0 to 255
_PERSLICE_HU = (-1024.0, 1000.0)  # a guess at a slice's own minimum to maximum; such rows are never measured in HU


@dataclass(frozen=True, slots=True)
class Slice:
    """One picture and its mask.

    Attributes
    ----------
    hu_yx : (rows, columns) float32, HU; only as good as `Row["domain"]` says.
    mask_yx : (rows, columns) uint8, the stored ids (or 0 and 255).
    spacing_yx_mm : mm, None where unknown.
    """

    hu_yx: NDArray[np.float32]
    mask_yx: NDArray[np.uint8]
    spacing_yx_mm: tuple[float, float] | None


def read_slice(row: Row) -> Slice:
    """Read picture and mask of one row.

    Raises
    ------
    InputRefused
        SET-UNREAD if the picture or the mask is missing or their sizes differ.
    """
    picture_yx, mask_yx = (_pixels(row, column) for column in ("image", "mask"))
    if picture_yx.shape != mask_yx.shape:
        raise InputRefused(
            "SET-UNREAD", f"{row.id}: picture {picture_yx.shape} and mask {mask_yx.shape} differ in size"
        )
    spacing_mm = float(row["pixel_mm"]) if row["pixel_mm"] else None
    pair = None if spacing_mm is None else (spacing_mm, spacing_mm)
    return Slice(_hounsfield(row, picture_yx), mask_yx.astype(np.uint8), pair)


def _pixels(row: Row, column: str) -> NDArray[np.generic]:
    path = (row.root / row[column]).resolve()
    if not row[column] or not path.is_file():
        raise InputRefused("SET-UNREAD", f"{row.id}: no {column} {row[column]!r}")
    with Image.open(path) as image:
        return np.asarray(image)


def _hounsfield(row: Row, picture_yx: NDArray[np.generic]) -> NDArray[np.float32]:
    """Apply the row's line; without one, the window that its domain stands for."""
    if row["hu_slope"]:
        slope, intercept = float(row["hu_slope"]), float(row["hu_intercept"])
        return (picture_yx.astype(np.float32) * slope + intercept).astype(np.float32)
    low, high = _WINDOW_HU if row["domain"] == "windowed8" else _PERSLICE_HU
    top = 255.0 if picture_yx.dtype == np.uint8 else 4095.0
    return (picture_yx.astype(np.float32) * ((high - low) / top) + low).astype(np.float32)
