"""A contact sheet: twenty slices of a scan with the outlines of what was found, for a quick look.

Slices run from the head to the feet, each as a reader sees it: the patient's right is on the left. The window is that
of the lungs.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from node.report.wording import NOT_FOR_DIAGNOSIS
from node.segment.contract import Segmentation, SegmentKind
from node.segment.working_grid import WorkingGrid, working_grid
from node.volume.volume import Volume

_COLUMNS, _ROWS = 5, 4
_TILE_PIXELS: Final = 256
_FOOT_PIXELS: Final = 18
_WINDOW_HU = (-1150.0, 350.0)  # centre -400, width 1500
_COLOURS = {
    SegmentKind.RIGHT_LUNG: (255, 96, 64),
    SegmentKind.LEFT_LUNG: (64, 176, 255),
    SegmentKind.LESION: (255, 224, 0),
}


def contact_sheet(volume: Volume, segmentation: Segmentation, path: Path) -> None:
    """Draw the sheet and write it; the suffix of `path` (.jpg, .png) says how.

    Parameters
    ----------
    volume : what was segmented.
    segmentation : whose outlines are drawn.
    path : of the picture, some 200 kB as JPEG.
    """
    nz, ny, nx = volume.hu_zyx.shape
    grid = working_grid((nz, ny, nx), volume.lps_from_zyx)
    hu = grid.turned(volume.hu_zyx)
    labels = grid.turned(segmentation.labels_zyx)
    sheet = Image.new("RGB", (_COLUMNS * _TILE_PIXELS, _ROWS * _TILE_PIXELS + _FOOT_PIXELS))
    for place, z in enumerate(_chosen(labels)):
        tile = _tile(hu[z], _outlines(labels[z], segmentation), grid)
        _write(tile, f"{z + 1}/{len(hu)}")
        sheet.paste(tile, (place % _COLUMNS * _TILE_PIXELS, place // _COLUMNS * _TILE_PIXELS))
    _caption(sheet)
    sheet.save(path, quality=82)


def _chosen(labels: NDArray[np.uint8]) -> list[int]:
    """Choose slices evenly over what was found and one beyond each end; all of the scan where nothing was."""
    found = np.nonzero(labels.any(axis=(1, 2)))[0]
    first, last = (int(found[0]), int(found[-1])) if len(found) else (0, len(labels) - 1)
    ends = max(first - 1, 0), min(last + 1, len(labels) - 1)
    even = np.linspace(ends[1], ends[0], _COLUMNS * _ROWS).round().astype(int)
    return list(dict.fromkeys(even.tolist()))


def _outlines(labels: NDArray[np.uint8], segmentation: Segmentation) -> list[tuple[NDArray[np.bool_], tuple[int, ...]]]:
    outlines: list[tuple[NDArray[np.bool_], tuple[int, ...]]] = []
    for segment in segmentation.segments:
        mask = labels == segment.label
        outlines.append((mask, _COLOURS[segment.kind]))
    return outlines


def _tile(
    hu: NDArray[np.int16], outlines: list[tuple[NDArray[np.bool_], tuple[int, ...]]], grid: WorkingGrid
) -> Image.Image:
    """Scale a slice to a tile with square pixels and draw one-pixel outlines on it."""
    height_mm, width_mm = (n * mm / f for n, mm, f in zip(hu.shape, grid.spacing_mm[1:], grid.factors[1:], strict=True))
    scale = _TILE_PIXELS / max(height_mm, width_mm)
    size = max(1, round(width_mm * scale)), max(1, round(height_mm * scale))
    low, high = _WINDOW_HU
    grey = (np.clip((hu - low) / (high - low), 0.0, 1.0) * 255.0).astype(np.uint8)
    picture = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BILINEAR).convert("RGB")).copy()
    for mask, colour in outlines:
        scaled = np.asarray(Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.BILINEAR)) > 127
        picture[scaled & ~ndimage.binary_erosion(scaled)] = colour
    tile = Image.new("RGB", (_TILE_PIXELS, _TILE_PIXELS))
    tile.paste(Image.fromarray(picture), ((_TILE_PIXELS - size[0]) // 2, (_TILE_PIXELS - size[1]) // 2))
    return tile


def _caption(sheet: Image.Image) -> None:
    text = f"{NOT_FOR_DIAGNOSIS}; slices counted from the feet"
    ImageDraw.Draw(sheet).text((4, sheet.height - _FOOT_PIXELS + 2), text, fill=(255, 255, 255))


def _write(tile: Image.Image, text: str) -> None:
    draw = ImageDraw.Draw(tile)
    font = ImageFont.load_default()
    draw.text((4, 2), text, fill=(255, 255, 255), font=font)
    draw.text((4, _TILE_PIXELS // 2), "R", fill=(255, 255, 0), font=font)
    draw.text((_TILE_PIXELS - 12, _TILE_PIXELS // 2), "L", fill=(255, 255, 0), font=font)
