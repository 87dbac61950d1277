"""The findings of a scan as a contact sheet: each mark on its largest slice, near and whole, with its number.

Known lesions are outlined in green, marks in yellow, uncertain ones in orange. The verdicts of a reviewer belong into
the table that is written beside it.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from node.learn.scan_judge import verdict_of
from node.learn.scan_score import Judged, ScanScore
from node.learn.scans import Scan

_TILE_PX = 200
_COLUMNS = 4
_NEAR_MM = 45.0
_LOW_HU, _HIGH_HU = -1350.0, 150.0
_KNOWN, _SURE, _UNSURE = (64, 220, 96), (255, 224, 0), (255, 140, 0)
_MOST = 40


def findings_sheet(scan: Scan, scored: ScanScore, folder: Path) -> Path:
    """Write `<scan>.jpg` and `<scan>.md` with one row a mark; return the picture's path."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = sorted(scored.judged, key=lambda one: -one.mark.confidence)[:_MOST]
    tiles = [_pair(scan, one) for one in shown] or [Image.new("RGB", (2 * _TILE_PX, _TILE_PX))]
    rows = -(-len(tiles) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * 2 * _TILE_PX, rows * _TILE_PX))
    for i, tile in enumerate(tiles):
        sheet.paste(tile, ((i % _COLUMNS) * 2 * _TILE_PX, (i // _COLUMNS) * _TILE_PX))
    name = scan.name.replace("/", "-")
    path = folder / f"{name}.jpg"
    sheet.save(path, quality=80)
    (folder / f"{name}.md").write_text(_table(scored, shown), encoding="utf-8")
    return path


def _table(scored: ScanScore, shown: Sequence[Judged]) -> str:
    lines = [
        f"# {scored.name}",
        "",
        f"Found {scored.n_found} of {scored.n_known} known lesions; {scored.n_marks} marks, {scored.n_false} no "
        f"lesion, {scored.n_unadjudicated} unadjudicated. The {len(shown)} most confident are shown.",
        "",
        "| mark | centre, LPS mm | volume mm3 | confidence | by the set | reviewer's verdict |",
        "|---|---|---|---|---|---|",
    ]
    for one in shown:
        centre = ", ".join(f"{value:.0f}" for value in one.mark.centre_lps_mm)
        by_the_set = verdict_of(one.hits, is_false=one.is_false, is_spared=one.is_spared)
        lines.append(
            f"| {one.mark.name} | {centre} | {one.mark.volume_mm3:.0f} | {one.mark.confidence:.2f}"
            f"{', uncertain' if one.mark.is_uncertain else ''} | {by_the_set} | |"
        )
    return "\n".join([*lines, ""])


def _pair(scan: Scan, one: Judged) -> Image.Image:
    """Return a mark near and its whole slice, side by side."""
    mark = one.mark
    z = mark.box[0].start + int(np.argmax(mark.mask_zyx.sum(axis=(1, 2))))
    marked = np.zeros(scan.volume.hu_zyx.shape[1:], bool)
    marked[mark.box[1], mark.box[2]] = mark.mask_zyx[z - mark.box[0].start]
    known = np.zeros_like(marked)
    for lesion in scan.known:
        if lesion.mask_zyx is not None and lesion.counts:
            known |= lesion.mask_zyx[z]
    colour = _UNSURE if mark.is_uncertain else _SURE
    picture = _coloured(scan.volume.hu_zyx[z], ((known, _KNOWN), (marked, colour)))
    _, y_mm, x_mm = scan.volume.spacing_zyx_mm
    y, x = ((s.start + s.stop) // 2 for s in mark.box[1:])
    half_y, half_x = (max(int(_NEAR_MM / mm), 8) for mm in (y_mm, x_mm))
    near = picture.crop((x - half_x, y - half_y, x + half_x, y + half_y)).resize((_TILE_PX, _TILE_PX))
    tile = Image.new("RGB", (2 * _TILE_PX, _TILE_PX))
    tile.paste(near, (0, 0))
    whole = picture.resize((_TILE_PX, _TILE_PX))
    pen = ImageDraw.Draw(whole)
    ny, nx = len(marked), len(marked[0])
    pen.ellipse(
        [v * _TILE_PX / n + d for v, n, d in ((x, nx, -9), (y, ny, -9), (x, nx, 9), (y, ny, 9))], outline=colour
    )
    tile.paste(whole, (_TILE_PX, 0))
    ImageDraw.Draw(tile).text((4, 4), f"{mark.name}  {mark.confidence:.2f}  slice {z}", fill="white")
    return tile


def _coloured(
    hu_yx: NDArray[np.int16], outlined: Sequence[tuple[NDArray[np.bool_], tuple[int, int, int]]]
) -> Image.Image:
    grey = np.clip((hu_yx.astype(np.float32) - _LOW_HU) / (_HIGH_HU - _LOW_HU) * 255.0, 0, 255).astype(np.uint8)
    rgb = np.stack([grey] * 3, axis=-1)
    for mask, colour in outlined:
        rgb[ndimage.binary_dilation(mask) & ~mask] = colour
    return Image.fromarray(rgb)
