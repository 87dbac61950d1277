"""Slices with their tumours, from any of the shared sets: pictures, stacked crops and cubes, volumes.

A plane knows its place: which case, which stack of neighbouring slices, which number in it and how far the next one is.
Domains stay told apart: hu8 is known to 7 to 16 HU, perslice8 not at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from node.learn.index import Row
from node.learn.nifti import read_nifti
from node.learn.nodule_crop import read_crop
from node.learn.nodule_cube import read_cube
from node.learn.slices import read_slice
from node.learn.truth import has_tumour, tumour_truth
from node.segment.preprocess.resize import to_network

AGREED = 2  # readers of four
CUBE = "cube"  # the domain of rows of `nodule3d`


@dataclass(frozen=True, slots=True)
class Plane:
    """One slice.

    Attributes
    ----------
    hu_yx : (rows, columns) int16, HU.
    tumour_yx : (rows, columns) uint8, 0 and 1.
    case : the patient.
    stack : slices of one stack whose `z` follow one another are neighbours.
    z : number in the stack, from the feet.
    step_mm : distance of two neighbours, None where unknown.
    pixel_mm : (row, column) distance of two pixels, None where unknown.
    """

    id: str
    case: str
    domain: str
    hu_yx: NDArray[np.int16]
    tumour_yx: NDArray[np.uint8]
    stack: str
    z: int
    step_mm: float | None
    pixel_mm: tuple[float, float] | None = None

    @property
    def has_tumour(self) -> bool:
        """Whether a pixel of it is tumour."""
        return bool(self.tumour_yx.any())


def planes(rows: Sequence[Row], size: int) -> Iterator[Plane]:
    """Read rows one after the other; larger slices are reduced to `size` x `size`, smaller ones stay as they are.

    Rows in which nobody looked for tumours are passed over. A pixel of a reduced mask is tumour if half of it was.
    """
    for row in rows:
        for plane in _planes_of(row):
            yield reduced(plane, size)


def shows_tumours(row: Row) -> bool:
    """Tell whether a row gives planes: it is a cube or crop of a nodule, or somebody looked for tumours in it."""
    return bool(row["depth"]) or is_crop(row) or has_tumour(row)


def is_crop(row: Row) -> bool:
    """Tell whether a row is one crop of a patient's stack, with the marks of four readers."""
    return bool(row["tile"]) and "bitmask" in row["label"]


def _planes_of(row: Row) -> Iterator[Plane]:
    if row["ct"]:
        yield from _of_volume(row)
    elif row["depth"]:
        cube = read_cube(row)
        for z, (hu, nodule) in enumerate(zip(cube.hu_zyx, cube.nodule_zyx, strict=True)):
            yield Plane(
                f"{row.id}_{z:03d}", row.case, CUBE, hu, nodule.astype(np.uint8), row.id, z, cube.spacing_mm,
                (cube.spacing_mm, cube.spacing_mm),
            )  # fmt: skip
    elif is_crop(row):
        crop = read_crop(row)
        agreed = (crop.votes_yx >= AGREED).astype(np.uint8)
        yield Plane(row.id, row.case, row["domain"], crop.hu_yx, agreed, row.id, 0, None)
    else:
        yield from _of_slice(row)


def _of_slice(row: Row) -> Iterator[Plane]:
    piece = read_slice(row)
    tumour = tumour_truth(row, piece.mask_yx)
    if tumour is None:
        return
    hu = np.rint(piece.hu_yx).astype(np.int16)
    step_mm = float(row["slice_mm"]) if row["slice_mm"] else None
    z = int(float(row["z_index"] or 0))
    stack = f"{row.root}/{row['source']}/{row.case}"  # the source tells apart several scans of one patient
    yield Plane(
        row.id, row.case, row["domain"], hu, tumour.astype(np.uint8), stack, z, step_mm, piece.spacing_yx_mm
    )  # fmt: skip


def _of_volume(row: Row) -> Iterator[Plane]:
    picture, label = (read_nifti(row.root / row[column]) for column in ("ct", "label"))
    tumour = tumour_truth(row, label.voxels_zyx)
    if tumour is None:
        return
    step_mm, *pixel_mm = picture.spacing_zyx_mm
    for z, (hu, mask) in enumerate(zip(picture.voxels_zyx, tumour, strict=True)):
        yield Plane(
            f"{row.id}_{z:03d}", row.case, "volume", hu.astype(np.int16), mask.astype(np.uint8), f"{row.id}/volume", z,
            step_mm, (pixel_mm[0], pixel_mm[1]),
        )  # fmt: skip


def reduced(plane: Plane, size: int) -> Plane:
    """Bring a slice that is larger than `size` down to it, as a scan's slices are when it is answered."""
    if max(plane.hu_yx.shape) <= size:
        return plane
    hu = to_network(torch.from_numpy(plane.hu_yx.astype(np.float32))[None, None], size)
    rows, columns = (n / size for n in plane.hu_yx.shape)
    pixel_mm = None if plane.pixel_mm is None else (plane.pixel_mm[0] * rows, plane.pixel_mm[1] * columns)
    share = F.adaptive_avg_pool2d(torch.from_numpy(plane.tumour_yx.astype(np.float32))[None, None], size)
    return Plane(
        plane.id, plane.case, plane.domain, hu[0, 0].round().numpy().astype(np.int16),
        (share[0, 0] >= 0.5).numpy().astype(np.uint8), plane.stack, plane.z, plane.step_mm,
        pixel_mm,
    )  # fmt: skip
