"""Read one row of a set of slices: the picture in Hounsfield units where it has them, and the mask as stored."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from node.errors import InputRefused
from node.learn.index import Row

# What pictures without a line of their own are taken to show, as HU of the darkest and the brightest grey level: a
# window, and a guess at a slice's own minimum to maximum, which is never measured in HU.
_SHOWN_HU = {"windowed8": (-1000.0, 400.0), "perslice8": (-1024.0, 1000.0)}


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
        SET-UNREAD if the picture or the mask is missing or damaged, their sizes differ, the mask is empty where the
        index counts pixels in it, or nothing says what the grey levels are in HU.
    """
    picture_yx, mask_yx = (grey_picture(row, column) for column in ("image", "mask"))
    if picture_yx.shape != mask_yx.shape:
        raise InputRefused(
            "SET-UNREAD", f"{row.id}: picture {picture_yx.shape} and mask {mask_yx.shape} differ in size"
        )
    if any(float(row[column] or 0) for column in ("lung_px", "tumour_px")) and not mask_yx.any():
        raise InputRefused(
            "SET-UNREAD", f"{row.id}: its mask is empty, the index counts pixels of lung or tumour in it"
        )
    spacing_mm = float(row["pixel_mm"]) if row["pixel_mm"] else None
    pair = None if spacing_mm is None else (spacing_mm, spacing_mm)
    return Slice(_hounsfield(row, picture_yx), mask_yx.astype(np.uint8), pair)


def grey_picture(row: Row, column: str) -> NDArray[np.generic]:
    """Read the grey levels of the picture that a column names.

    Raises
    ------
    InputRefused
        SET-UNREAD if it is missing, damaged or in colour.
    """
    path = (row.root / row[column]).resolve()
    if not row[column] or not path.is_file():
        raise InputRefused("SET-UNREAD", f"{row.id}: no {column} {row[column]!r}")
    try:
        with Image.open(path) as image:
            pixels: NDArray[np.generic] = np.asarray(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputRefused("SET-UNREAD", f"{row.id}: {column} {row[column]!r} cannot be read: {error}") from error
    if pixels.ndim != 2:
        raise InputRefused("SET-UNREAD", f"{row.id}: {column} {row[column]!r} is in colour; grey levels are wanted")
    return pixels


def _hounsfield(row: Row, picture_yx: NDArray[np.generic]) -> NDArray[np.float32]:
    """Apply the row's line; without one, the window that its domain stands for."""
    if row["hu_slope"]:
        slope, intercept = float(row["hu_slope"]), float(row["hu_intercept"])
        return (picture_yx.astype(np.float32) * slope + intercept).astype(np.float32)
    if row["domain"] not in _SHOWN_HU:
        told = f"hu_slope is empty, and domain {row['domain']!r} is none of {', '.join(_SHOWN_HU)}"
        raise InputRefused("SET-UNREAD", f"{row.id}: nothing says what its grey levels are in HU: {told}")
    low, high = _SHOWN_HU[row["domain"]]
    top = 255.0 if picture_yx.dtype == np.uint8 else 4095.0
    return (picture_yx.astype(np.float32) * ((high - low) / top) + low).astype(np.float32)
