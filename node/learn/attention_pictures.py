"""P2's attention maps as pictures, one file a case: the slice, its outline and the gates' weights side by side.

The slice shown is the one with the most tumour. A gate's weight is drawn from black (0) to white (1), at the size of
the slice; the outline of the reference is drawn on the slice alone, so that it cannot be read into a map.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

from node.learn.lesion_catalogue import LesionPlan
from node.learn.lesion_set import LesionSet
from node.learn.outline_pixels import outline_pixels
from node.segment.networks.attention_unet_hybrid import AttentionUNet
from node.segment.preprocess.lesion_recipes import Prepare
from node.segment.preprocess.window import window

_OUTLINE_RGB = (0, 220, 0)


def write_attention(
    model: AttentionUNet, data: LesionSet, plan: LesionPlan, prepare: Prepare, folder: Path
) -> tuple[Path, ...]:
    """Write one picture for each case with a tumour; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    device = next(model.parameters()).device
    for case, at in _largest(data).items():
        hu = np.stack(data.channels(at, plan.neighbours)).astype(np.float32)
        with torch.inference_mode():
            alphas = model.eval().attention(prepare(torch.from_numpy(hu)[None]).to(device))
        path = folder / f"{case}.png"
        Image.fromarray(_picture(data.planes[at].hu_yx, data.planes[at].tumour_yx, alphas)).save(path)
        written.append(path)
    return tuple(written)


def _largest(data: LesionSet) -> dict[str, int]:
    """Return for each case the slice with the most tumour."""
    best: dict[str, int] = {}
    for at, plane in enumerate(data.planes):
        if plane.has_tumour:
            known = best.get(plane.case)
            if known is None or plane.tumour_yx.sum() > data.planes[known].tumour_yx.sum():
                best[plane.case] = at
    return best


def _picture(
    hu_yx: NDArray[np.int16], tumour_yx: NDArray[np.uint8], alphas: tuple[torch.Tensor, ...]
) -> NDArray[np.uint8]:
    """Return the slice with its outline and each map, (rows, columns of all, 3)."""
    slice_yx = window(torch.from_numpy(hu_yx.astype(np.float32))).numpy()
    shown = [np.repeat(_grey(slice_yx)[:, :, None], 3, 2)]
    shown[0][outline_pixels(tumour_yx.astype(bool))] = _OUTLINE_RGB
    for alpha in alphas:
        map_yx = F.interpolate(alpha, hu_yx.shape, mode="nearest")[0, 0].cpu().numpy()
        shown.append(np.repeat(_grey(map_yx)[:, :, None], 3, 2))
    return np.concatenate(shown, 1)


def _grey(values_yx: NDArray[np.float32]) -> NDArray[np.uint8]:
    grey: NDArray[np.uint8] = np.rint(values_yx * 255.0).astype(np.uint8)
    return grey
