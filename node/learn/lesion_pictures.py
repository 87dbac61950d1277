"""One picture for each judged case: the slice with most tumour, who drew what on it, and a bar for each slice.

    green     the reference
    yellow    the baseline, where there is one
    red       what was found
    magenta   what was found with a mean probability below `SURE_P`: shown, but as of low confidence
    bars      from the first slice to the last: the probability of a tumour, green where there is one

The papers announce these pictures (P3: region, mask, low-confidence regions and bar; P4: the three outlines).
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from node.learn.lesion_score import Found
from node.learn.lesion_set import LesionSet
from node.learn.outline_pixels import outline_pixels
from node.segment.postprocess.low_confidence import slice_probabilities, sort_by_confidence
from node.segment.preprocess.window import window

SURE_P = 0.6
_SIDE_PX = 512
_BAR_PX = 96
_GREEN, _YELLOW, _RED, _MAGENTA = (0, 220, 0), (240, 220, 0), (255, 40, 40), (255, 0, 255)
_GREY = (120, 120, 120)

Rgb = NDArray[np.uint8]


def write_pictures(
    data: LesionSet, found: Iterable[Found], beside: Iterable[Found] | None, threshold: float, folder: Path
) -> tuple[Path, ...]:
    """Write `<domain>-<case>.png` for each case with a tumour; return their paths.

    Parameters
    ----------
    found, beside : (number of the slice, probabilities (rows, columns)) of what is judged and of the baseline.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ours, theirs = dict(found), dict(beside or ())
    written = []
    for (domain, case), index in _by_case(data).items():
        sizes = [int(data.planes[at].tumour_yx.sum()) for at in index]
        if not any(sizes):
            continue
        shape = data.planes[index[int(np.argmax(sizes))]].hu_yx.shape
        alike = [at for at in index if data.planes[at].hu_yx.shape == shape]
        shown = alike.index(index[int(np.argmax(sizes))])
        p_zyx = np.rint(np.stack([ours[at] for at in alike]) * 255.0).astype(np.uint8)
        parted = sort_by_confidence(p_zyx, p_zyx >= round(255.0 * threshold), SURE_P)
        plane = data.planes[alike[shown]]
        outlines = [(plane.tumour_yx.astype(bool), _GREEN)]
        if alike[shown] in theirs:
            outlines.append((theirs[alike[shown]] >= threshold, _YELLOW))
        outlines += [(parted.sure_zyx[shown], _RED), (parted.unsure_zyx[shown], _MAGENTA)]
        has_tumour = [data.planes[at].has_tumour for at in alike]
        picture = np.concatenate((_drawn(plane.hu_yx, outlines), _bars(slice_probabilities(p_zyx), has_tumour, shown)))
        path = folder / f"{domain}-{case}.png"
        Image.fromarray(picture).save(path)
        written.append(path)
    return tuple(written)


def _by_case(data: LesionSet) -> dict[tuple[str, str], list[int]]:
    """Return the numbers of each case's slices, by domain and case, in their order."""
    cases: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at, plane in enumerate(data.planes):
        cases[plane.domain, plane.case].append(at)
    return {
        key: sorted(index, key=lambda at: (data.planes[at].stack, data.planes[at].z))
        for key, index in sorted(cases.items())
    }


def _drawn(hu_yx: NDArray[np.int16], outlines: Sequence[tuple[NDArray[np.bool_], tuple[int, int, int]]]) -> Rgb:
    """Return the slice in the lung window with outlines one pixel wide, enlarged to a fixed side."""
    grey = np.rint(window(torch.from_numpy(hu_yx.astype(np.float32))).numpy() * 255.0).astype(np.uint8)
    enlarged = Image.fromarray(grey).resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BILINEAR)
    rgb = np.repeat(np.asarray(enlarged)[:, :, None], 3, 2).copy()
    for mask, colour in outlines:
        wide = np.asarray(Image.fromarray(mask).resize((_SIDE_PX, _SIDE_PX), Image.Resampling.NEAREST))
        rgb[outline_pixels(wide)] = colour
    return rgb


def _bars(p: NDArray[np.float64], has_tumour: Sequence[bool], shown: int) -> Rgb:
    """Return one bar a slice, its height the probability; a white foot marks the slice that is shown."""
    rgb = np.zeros((_BAR_PX, _SIDE_PX, 3), np.uint8)
    edges = np.linspace(0, _SIDE_PX, len(p) + 1).astype(int)
    for number, (left, right) in enumerate(itertools.pairwise(edges)):
        right = max(right - (right - left > 2), left + 1)  # noqa: PLW2901  a gap between wide bars
        top = _BAR_PX - 4 - round(float(p[number]) * (_BAR_PX - 8))
        rgb[top : _BAR_PX - 4, left:right] = _GREEN if has_tumour[number] else _GREY
        if number == shown:
            rgb[_BAR_PX - 4 :, left:right] = 255
    return rgb
