"""Hard negatives: what a network marks wrongly on completely read training scans, as rows of a labelled set.

Each wrong mark gives the slices that it covers (at most five, evenly), whole and without any tumour unless a known
lesion that counts lies on them, whose outline is then drawn: nodes and what one reader drew are tumours in no other
set. `train-lesions --data` reads the set beside the others. Only scans of the training split are mined: 4D-Lung-113,
which was not read completely, gives the marks on slices without an outline outside 20 mm of one, which is said in the
column `source`.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image

from node.errors import InputRefused
from node.learn.scan_judge import as_found, find, grid_of, lungs_of
from node.learn.scan_score import Judged, score
from node.learn.scans import Scan
from node.segment.contract import LungModel
from node.segment.lesions.finder import Finder

COLUMNS = (
    "id", "case", "image", "mask", "source", "domain", "hu_slope", "hu_intercept", "label", "width", "height",
    "pixel_mm", "split", "z_index", "slice_mm", "tumour_px", "label_origin", "licence",
)  # fmt: skip
_MOST_SLICES = 5
_OFFSET_HU = 1024
_AWAY_MM = 20.0


@dataclass(frozen=True, slots=True)
class Mined:
    """How many slices of how many wrong marks."""

    n_scans: int
    n_marks: int
    n_slices: int


def mine(all_scans: Iterable[Scan], finder: Finder, lungs: LungModel, out: Path) -> Mined:
    """Write the set.

    Raises
    ------
    InputRefused
        SET-LEAK for a scan that is not of the training split; SET-EMPTY without any scan, and nothing is written.
    """
    first = next(iter(all_scans := iter(all_scans)), None)
    if first is None:
        raise InputRefused("SET-EMPTY", "no scan of the part train: only training scans are mined")
    for name in ("images", "masks"):
        (out / name).mkdir(parents=True, exist_ok=True)
    n_scans = n_marks = n_slices = 0
    with (out / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for scan in chain((first,), all_scans):
            if scan.split != "train":
                raise InputRefused("SET-LEAK", f"{scan.name} is a {scan.split} scan: only training scans are mined")
            found = find(scan, lungs_of(scan, lungs), finder)
            wrong = [one for one in score(scan, as_found(found.marks, scan)).judged if _is_wrong(one, scan)]
            chosen = sorted({z for one in wrong for z in _slices(one)})
            writer.writerows(_written(scan, chosen, out))
            n_scans, n_marks, n_slices = n_scans + 1, n_marks + len(wrong), n_slices + len(chosen)
    return Mined(n_scans, n_marks, n_slices)


def _is_wrong(one: Judged, scan: Scan) -> bool:
    if scan.read_completely:
        return one.is_false
    return not one.hits and not one.is_spared and _away_mm(one, scan) > _AWAY_MM


def _away_mm(one: Judged, scan: Scan) -> float:
    """Return how far a mark's centre is from the nearest outlined voxel, mm."""
    outlined = [known.mask_zyx for known in scan.known if known.mask_zyx is not None]
    if not outlined:
        return 0.0
    at = np.argwhere(np.logical_or.reduce(outlined)) @ scan.volume.lps_from_zyx[:3, :3].T
    places = at + scan.volume.lps_from_zyx[:3, 3]
    return float(np.linalg.norm(places - np.array(one.mark.centre_lps_mm), axis=1).min())


def _slices(one: Judged) -> list[int]:
    first, stop = one.mark.box[0].start, one.mark.box[0].stop
    return sorted({round(z) for z in np.linspace(first, stop - 1, min(stop - first, _MOST_SLICES))})


def _written(scan: Scan, chosen: Iterable[int], out: Path) -> Iterator[dict[str, str]]:
    """Write the slices in the usual view and yield their rows."""
    grid = grid_of(scan)
    hu = grid.turned(scan.volume.hu_zyx)
    outlined = [known.mask_zyx for known in scan.known if known.mask_zyx is not None and known.counts]
    tumour = grid.turned(np.logical_or.reduce([np.zeros(scan.volume.hu_zyx.shape, bool), *outlined]))
    z_mm, y_mm, _ = grid.full_spacing_mm
    safe = f"{scan.case}_{scan.name}".replace("/", "-")  # a patient may have several scans
    for z in chosen:
        at = z if not grid.flipped[0] else grid.full_shape[0] - 1 - z
        name = f"{safe}_z{at:03d}"
        stored = (np.clip(hu[at], -1024, 3071).astype(np.int32) + _OFFSET_HU).astype(np.uint16)
        Image.fromarray(stored).save(out / "images" / f"{name}.png")
        Image.fromarray(tumour[at].astype(np.uint8) * 255).save(out / "masks" / f"{name}.png")
        yield {
            "id": name, "case": scan.case, "image": f"images/{name}.png", "mask": f"masks/{name}.png",
            "source": f"hard negatives of {scan.name}", "domain": "hu", "hu_slope": "1",
            "hu_intercept": str(-_OFFSET_HU), "label": "255 = tumour", "width": str(stored.shape[1]),
            "height": str(stored.shape[0]), "pixel_mm": f"{y_mm:.4f}", "split": "train", "z_index": str(at),
            "slice_mm": f"{z_mm:.3f}", "tumour_px": str(int(tumour[at].sum())), "label_origin": "mined",
            "licence": scan.licence,
        }  # fmt: skip
