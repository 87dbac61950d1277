"""Read one slice of a set: the picture in Hounsfield units where it has them, and the mask as stored.

Lung networks learn from slices, those of volumes too: `sliced` makes a row of each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from node.errors import InputRefused
from node.learn.index import Row
from node.learn.nifti import read_nifti

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


read_volume = lru_cache(maxsize=2)(read_nifti)  # picture and label, while the slices of one volume are read


def sliced(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the rows with each volume as one row a slice, numbered from the feet."""
    for row in rows:
        if not row["ct"]:
            yield row
            continue
        for z in range(len(read_volume(_path(row, "label")).voxels_zyx)):
            yield Row(row.root, row.values | {"id": f"{row.id}_z{z:03d}", "origin": row.id, "z_index": str(z)})


def read_slice(row: Row) -> Slice:
    """Read picture and mask of one row, or of one slice of a volume (see `sliced`).

    Raises
    ------
    InputRefused
        SET-UNREAD if the picture or the mask is missing or damaged, their sizes differ, the mask is empty where the
        index counts pixels in it, or nothing says what the grey levels are in HU.
    """
    if row["ct"]:
        return _of_volume(row)
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


def _of_volume(row: Row) -> Slice:
    picture, label = (read_volume(_path(row, column)) for column in ("ct", "label"))
    if picture.voxels_zyx.shape != label.voxels_zyx.shape:
        shapes = f"{picture.voxels_zyx.shape} and label {label.voxels_zyx.shape}"
        raise InputRefused("SET-UNREAD", f"{row['origin']}: volume {shapes} differ in size")
    z, (_, row_mm, column_mm) = int(row["z_index"]), picture.spacing_zyx_mm
    return Slice(picture.voxels_zyx[z].astype(np.float32), label.voxels_zyx[z].astype(np.uint8), (row_mm, column_mm))


def _path(row: Row, column: str) -> Path:
    return row.root / row[column]


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
