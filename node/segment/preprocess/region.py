"""The segmented region as a classifier is given it: a square round the mask, and the mask beside it."""

import torch
from torch import Tensor
from torch.nn import functional as F

SIDE_PX = 64
_MARGIN_FRAC = 0.25


def region(picture: Tensor, mask: Tensor, side: int = SIDE_PX) -> Tensor:
    """Cut the square that holds a mask and a quarter more on either side, at `side` x `side`.

    Without a mask the whole picture is the region, and the channel of the mask is 0 everywhere.

    Parameters
    ----------
    picture : (1, H, W) float, 0 ... 1.
    mask : (1, H, W) bool.

    Returns
    -------
    (2, side, side) float.
    """
    both = torch.cat((picture, mask.to(picture.dtype)))
    on = torch.nonzero(mask[0])
    h, w = picture.shape[-2:]
    top, left, bottom, right = 0, 0, h, w
    if len(on):
        (y0, x0), (y1, x1) = on.min(0).values.tolist(), on.max(0).values.tolist()
        half = max(int((max(y1 - y0, x1 - x0) + 1) * (0.5 + _MARGIN_FRAC)), 4)
        y, x = (y0 + y1) // 2, (x0 + x1) // 2
        top, left, bottom, right = max(y - half, 0), max(x - half, 0), min(y + half + 1, h), min(x + half + 1, w)
    cut = both[None, :, top:bottom, left:right]
    return F.interpolate(cut, (side, side), mode="bilinear", antialias=True)[0]
