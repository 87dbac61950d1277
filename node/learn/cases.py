"""What is judged: slice, crop, cube or volume with its reference, from any folder in the format of the shared sets."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.learn.index import Row
from node.learn.nifti import read_nifti
from node.learn.nodule_crop import read_crop
from node.learn.nodule_cube import read_cube
from node.learn.planes import AGREED, is_crop, shows_tumours
from node.learn.slices import read_slice
from node.learn.truth import has_lung, has_tumour, truth, tumour_truth
from node.segment.contract import LungDefinition, Task

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Item:
    """One picture or volume to be judged.

    Attributes
    ----------
    case : the patient; figures are means over patients.
    hu_zyx : (slices, rows, columns) int16, HU, the usual view; one slice for a row of a slice set.
    reference_zyx : what should be found, None where nobody outlined it: then only the tumour kept out is measured.
    tumour_zyx : the primary tumour, None where nobody looked for one, or where it is the reference.
    spacing_zyx_mm : mm, None where unknown.
    group : domain and label origin; figures of different groups are never pooled.
    z, step_mm : of one slice: its number in the scan, from the feet, and the distance of the next, None where unknown.
    """

    id: str
    case: str
    hu_zyx: NDArray[np.int16]
    reference_zyx: Mask | None
    tumour_zyx: Mask | None
    spacing_zyx_mm: tuple[float, float, float] | None
    group: str
    z: int = 0
    step_mm: float | None = None

    @property
    def is_volume(self) -> bool:
        """Whether its slices are neighbours."""
        return len(self.hu_zyx) > 1


def items(rows: Sequence[Row], task: Task, definition: LungDefinition) -> Iterator[Item]:
    """Read the rows one after the other; those with neither the reference nor a tumour are passed over."""
    for row in rows:
        if not says_something(row, task):
            continue
        item = _item(row, task, definition)
        if item is not None:
            yield item


def stacks(rows: Sequence[Row], task: Task, definition: LungDefinition) -> Iterator[tuple[Item, ...]]:
    """Read the rows as what is answered together: for lesions the slices of a scan, else each item alone."""
    together: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        is_neighbour = task is Task.LESIONS and not (row["ct"] or row["depth"] or is_crop(row))
        together[(row.case, row["source"]) if is_neighbour else (row.id, "")].append(row)
    for neighbours in together.values():
        stack = tuple(items(neighbours, task, definition))
        if stack:
            yield stack


def says_something(row: Row, task: Task) -> bool:
    """Tell whether a row can have what a model of this task is judged by, before its picture is read."""
    return shows_tumours(row) if task is Task.LESIONS else has_lung(row) or has_tumour(row)


def _item(row: Row, task: Task, definition: LungDefinition) -> Item | None:
    if row["ct"]:
        return _volume(row, task, definition)
    if task is Task.LESIONS and row["depth"]:
        return _cube(row)
    if task is Task.LESIONS and is_crop(row):
        return _crop(row)
    return _slice(row, task, definition)


def _cube(row: Row) -> Item:
    cube = read_cube(row)
    spacing = (cube.spacing_mm, cube.spacing_mm, cube.spacing_mm)
    return Item(row.id, row.case, cube.hu_zyx, cube.nodule_zyx, None, spacing, _group(row))


def _crop(row: Row) -> Item:
    crop = read_crop(row)
    spacing = None if crop.pixel_mm is None else (1.0, crop.pixel_mm, crop.pixel_mm)
    return Item(row.id, row.case, crop.hu_yx[None], crop.votes_yx[None] >= AGREED, None, spacing, _group(row))


def _volume(row: Row, task: Task, definition: LungDefinition) -> Item | None:
    picture, label = (read_nifti(row.root / row[column]) for column in ("ct", "label"))
    reference = truth(row, label.voxels_zyx, task, definition)
    tumour = None if task is Task.LESIONS else tumour_truth(row, label.voxels_zyx)
    if reference is None and (tumour is None or not tumour.any()):
        return None
    hu = picture.voxels_zyx.astype(np.int16)
    return Item(row.id, row.case, hu, reference, tumour, picture.spacing_zyx_mm, _group(row))


def _slice(row: Row, task: Task, definition: LungDefinition) -> Item | None:
    piece = read_slice(row)
    reference = truth(row, piece.mask_yx, task, definition)
    tumour = None if task is Task.LESIONS else tumour_truth(row, piece.mask_yx)
    if reference is None and (tumour is None or not tumour.any()):
        return None
    hu = np.rint(piece.hu_yx).astype(np.int16)[None]
    spacing = None if piece.spacing_yx_mm is None else (1.0, *piece.spacing_yx_mm)
    one_slice = [None if mask is None else mask[None] for mask in (reference, tumour)]
    z, step_mm = int(float(row["z_index"] or 0)), float(row["slice_mm"]) if row["slice_mm"] else None
    return Item(row.id, row.case, hu, one_slice[0], one_slice[1], spacing, _group(row), z, step_mm)


def _group(row: Row) -> str:
    return f"{row['domain'] or 'hu'}/{row['label_origin'] or 'unknown'}"
