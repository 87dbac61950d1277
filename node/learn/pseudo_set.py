"""Make the set that the shipped lungs learn from: rule-made outlines on free rows, each kept or dropped for a reason.

Written in the format of the shared sets (index.csv, images, masks). Mask ids are those of `truth`: 1 = lung in both
definitions, 2 = tumour, in P1's only, 3 = lymph node or other tumour, in neither, 4 = in P1's only: closed over vessels
and bronchi. Column `drop` says why a row is not learnt from (empty: it is), `drop_p1` the same for P1 alone.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt, label

from node.learn.index import Row, read_index, refuse_unfree
from node.learn.nifti import read_nifti
from node.learn.pseudo_drops import EMPTIED, GAS, why_dropped, why_dropped_for_p1
from node.learn.pseudo_rule import close_p0, close_p1, lungs_of_slice, lungs_of_volume
from node.learn.slices import read_slice

# of `vol3d`; 1011 is for validation
VOLUMES = ("LIDC-IDRI-0001", "LIDC-IDRI-0002", "LIDC-IDRI-0314", "4D-Lung-113", "LIDC-IDRI-1011")
SIZE = 256
_TYPICAL_PIXEL_MM = 1.3  # MSD's slices where the pixel is not known: 1.75 x a usual scanner's 0.74 mm
_AGREE_WITH_TOOL = 0.90  # Dice; below, the new rule took something that the looked-at outline leaves out
_BOTTOM_PX = 40  # fewer pixels of lung are noise
COLUMNS = (
    "id", "case", "image", "mask", "source", "domain", "hu_slope", "hu_intercept", "label", "width", "height",
    "pixel_mm", "split", "z_index", "lung_px", "p1_px", "tumour_px", "label_origin", "licence", "origin", "drop",
    "drop_p1",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """One slice with its rule-made mask."""

    row: Row
    id: str
    z_index: str
    hu_yx: NDArray[np.float32]
    mask_yx: NDArray[np.uint8]
    pixel_mm: float | None
    drop: str


def make_pseudo_set(data: Path, out: Path) -> int:
    """Write the set under `out`; return how many rows are learnt from.

    Raises
    ------
    InputRefused
        SET-LICENCE if a source row is not free; SET-UNREAD, SET-LEAK as in `index`.
    """
    for folder in ("images", "masks"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    kept = 0
    with (out / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for made in (*_from_volumes(data), *_from_slices(data)):
            line = _write(made, out)
            writer.writerow(line)
            kept += not line["drop"]
    return kept


def _from_slices(data: Path) -> Iterator[Made]:
    """Yield the tool rows of `lung2d` and the tumour rows of `tumour2d`; test rows are left alone."""
    tool = [row for row in read_index(data / "lung2d", where=("domain=hu", "label_origin=tool")) if row.split != "test"]
    tumour = [row for row in read_index(data / "tumour2d") if row.split != "test" and row.is_free]
    refuse_unfree(tool)
    covered = {row.case for row in read_index(data / "vol3d") if row.case in VOLUMES}
    for row in tool:
        yield _of_tool_row(row)
    for row in tumour:
        if row.case not in covered or row.case in {"LIDC-IDRI-0001", "4D-Lung-113"}:
            yield _of_tumour_row(row)


def _from_volumes(data: Path) -> Iterator[Made]:
    """Yield every slice of the volumes."""
    rows = [row for row in read_index(data / "vol3d") if row.case in VOLUMES]
    refuse_unfree(rows)
    for row in rows:
        picture, label = (read_nifti(row.root / row[column]) for column in ("ct", "label"))
        hu_zyx = picture.voxels_zyx.astype(np.float32)
        lungs, airway = lungs_of_volume(hu_zyx, picture.spacing_zyx_mm)
        pixel_mm = picture.spacing_zyx_mm[1]
        for z, hu_yx in enumerate(hu_zyx):
            mask_yx = _ids(lungs[z], airway[z], label.voxels_zyx[z] == 2, label.voxels_zyx[z] == 3, pixel_mm)
            yield Made(row, f"V_{row.case}_z{z:03d}", str(z), hu_yx, mask_yx, pixel_mm, "")


def _of_tool_row(row: Row) -> Made:
    """Draw anew what the looked-at outline holds, up to 4 mm outside it; never its airways."""
    hu_yx, tool_yx, pixel_mm = _reduced(row)
    drawn_yx = tool_yx > 0
    near = _grow(drawn_yx, 4.0 / pixel_mm)
    lumen = near & ~drawn_yx & (hu_yx < -880.0)
    lungs_yx = (hu_yx < -280.0) & near & ~_grow(lumen, 1.0)
    mask_yx = _ids(
        lungs_yx | (drawn_yx & (hu_yx < -280.0)), lumen, np.zeros_like(lumen), np.zeros_like(lumen), pixel_mm
    )
    overlap = 2 * np.sum((mask_yx == 1) & drawn_yx) / max(np.sum(mask_yx == 1) + drawn_yx.sum(), 1)
    torn = drawn_yx.any() and overlap < _AGREE_WITH_TOOL
    reason = f"disagrees with the looked-at outline (Dice {overlap:.2f})" if torn else ""
    return Made(row, f"L_{row.id}", row["z_index"], hu_yx, mask_yx, pixel_mm, reason)


def _of_tumour_row(row: Row) -> Made:
    """Draw one slice that has an outlined tumour."""
    hu_yx, ids_yx, pixel_mm = _reduced(row)
    tumour_yx, node_yx = (ids_yx == 255) | (ids_yx == 2), ids_yx == 3
    lungs_yx = _without_pieces(lungs_of_slice(hu_yx, pixel_mm) & (row.id not in EMPTIED), GAS.get(row.id, ()))
    mask_yx = _ids(lungs_yx, np.zeros_like(lungs_yx), tumour_yx, node_yx, pixel_mm)
    lonely = tumour_yx.sum() > _BOTTOM_PX and np.sum(mask_yx == 1) < _BOTTOM_PX
    return Made(
        row, row.id, row["z_index"], hu_yx, mask_yx, pixel_mm, "a tumour without lung beside it" if lonely else ""
    )


def _ids(
    lungs_yx: NDArray[np.bool_],
    airway_yx: NDArray[np.bool_],
    tumour_yx: NDArray[np.bool_],
    node_yx: NDArray[np.bool_],
    pixel_mm: float,
) -> NDArray[np.uint8]:
    """Put both definitions into one mask."""
    mask_yx = np.zeros(lungs_yx.shape, np.uint8)
    mask_yx[close_p1(lungs_yx, tumour_yx, airway_yx, pixel_mm)] = 4
    mask_yx[close_p0(lungs_yx, airway_yx, pixel_mm)] = 1
    mask_yx[node_yx] = 3
    mask_yx[tumour_yx] = 2
    return mask_yx


def _reduced(row: Row) -> tuple[NDArray[np.float32], NDArray[np.uint8], float]:
    """Read a row at 256 x 256: pictures by the mean of 2 x 2, masks by majority, ties to the label."""
    piece = read_slice(row)
    hu_yx, mask_yx = piece.hu_yx, piece.mask_yx
    pixel_mm = piece.spacing_yx_mm[0] if piece.spacing_yx_mm else _TYPICAL_PIXEL_MM
    while hu_yx.shape[0] > SIZE:
        hu_yx = _quads(hu_yx).mean((1, 3)).astype(np.float32)
        quads = _quads(mask_yx)
        votes = {int(v): (quads == v).sum((1, 3)) >= 2 for v in np.unique(mask_yx) if v}
        mask_yx = np.zeros(hu_yx.shape, np.uint8)
        for value, wins in votes.items():
            mask_yx[wins] = value
        pixel_mm *= 2.0
    return hu_yx, mask_yx, pixel_mm


def _quads(a_yx: NDArray[np.generic]) -> NDArray[np.generic]:
    rows, columns = a_yx.shape
    return a_yx.reshape(rows // 2, 2, columns // 2, 2)


def _without_pieces(mask_yx: NDArray[np.bool_], pixels: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """Return the mask without the connected pieces that hold one of the pixels."""
    pieces_yx = label(mask_yx)[0]
    return mask_yx & ~np.isin(pieces_yx, [pieces_yx[pixel] for pixel in pixels])


def _grow(mask_yx: NDArray[np.bool_], radius_px: float) -> NDArray[np.bool_]:
    """Return what lies within so many pixels."""
    grown: NDArray[np.bool_] = distance_transform_edt(~mask_yx) <= radius_px if mask_yx.any() else mask_yx
    return grown


def _write(made: Made, out: Path) -> dict[str, str]:
    """Write picture and mask; return the row's line of the index."""
    image, mask = f"images/{made.id}.png", f"masks/{made.id}.png"
    stored_yx = np.clip(np.rint(made.hu_yx) + 1024, 0, 4095).astype(np.uint16)
    Image.fromarray(stored_yx).save(out / image)
    Image.fromarray(made.mask_yx).save(out / mask)
    rows, columns = made.hu_yx.shape
    z_index = int(made.z_index or 0)
    case, px = made.row.case, {k: int(np.sum(made.mask_yx == k)) for k in (1, 2, 4)}
    return {
        "id": made.id, "case": case, "image": image, "mask": mask, "source": made.row["source"], "domain": "hu",
        "hu_slope": "1", "hu_intercept": "-1024",
        "label": "ids: 1 = lung, 2 = primary tumour, 3 = other tumour or nodes, 4 = in P1's lung only",
        "width": str(columns), "height": str(rows), "pixel_mm": f"{made.pixel_mm:.4f}", "split": made.row.split,
        "z_index": made.z_index, "lung_px": str(px[1]), "p1_px": str(px[1] + px[2] + px[4]), "tumour_px": str(px[2]),
        "label_origin": "rule", "licence": made.row["licence"], "origin": f"{made.row.root.name}/{made.row.id}",
        "drop": made.drop or why_dropped(case, z_index), "drop_p1": why_dropped_for_p1(case, z_index),
    }  # fmt: skip
