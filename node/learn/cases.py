"""What is judged: a slice or a volume with its reference, read from any folder in the format of the shared sets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.learn.index import Row
from node.learn.nifti import read_nifti
from node.learn.slices import read_slice
from node.learn.truth import truth, tumour_truth
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
    tumour_zyx : the primary tumour, None where nobody looked for one.
    spacing_zyx_mm : mm, None where unknown.
    group : domain and label origin; figures of different groups are never pooled.
    """

    id: str
    case: str
    hu_zyx: NDArray[np.int16]
    reference_zyx: Mask | None
    tumour_zyx: Mask | None
    spacing_zyx_mm: tuple[float, float, float] | None
    group: str

    @property
    def is_volume(self) -> bool:
        """Whether its slices are neighbours."""
        return len(self.hu_zyx) > 1


def items(rows: Sequence[Row], task: Task, definition: LungDefinition) -> Iterator[Item]:
    """Read the rows one after the other; those with neither the reference nor a tumour are passed over."""
    for row in rows:
        item = _volume(row, task, definition) if row["ct"] else _slice(row, task, definition)
        if item is not None:
            yield item


def _volume(row: Row, task: Task, definition: LungDefinition) -> Item | None:
    picture, label = (read_nifti(row.root / row[column]) for column in ("ct", "label"))
    reference = truth(row, label.voxels_zyx, task, definition)
    tumour = tumour_truth(row, label.voxels_zyx)
    if reference is None and (tumour is None or not tumour.any()):
        return None
    hu = picture.voxels_zyx.astype(np.int16)
    return Item(row.id, row.case, hu, reference, tumour, picture.spacing_zyx_mm, _group(row))


def _slice(row: Row, task: Task, definition: LungDefinition) -> Item | None:
    piece = read_slice(row)
    reference = truth(row, piece.mask_yx, task, definition)
    tumour = tumour_truth(row, piece.mask_yx)
    if reference is None and (tumour is None or not tumour.any()):
        return None
    hu = np.rint(piece.hu_yx).astype(np.int16)[None]
    spacing = None if piece.spacing_yx_mm is None else (1.0, *piece.spacing_yx_mm)
    one_slice = [None if mask is None else mask[None] for mask in (reference, tumour)]
    return Item(row.id, row.case, hu, one_slice[0], one_slice[1], spacing, _group(row))


def _group(row: Row) -> str:
    return f"{row['domain'] or 'hu'}/{row['label_origin'] or 'unknown'}"
