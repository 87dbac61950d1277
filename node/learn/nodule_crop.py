"""One crop of `nodule2d`: grey levels and the marks of four readers, cut out of its patient's stack.

A mask's byte holds four bits, bit k for reader k + 1. The usual reference is "at least 2 of 4"; where one reader alone
marked a crop, that reference is empty and the crop counts apart. Grey levels are no Hounsfield units: every crop was
stretched to its own minimum and maximum, and is read as if it showed -1000 to 400 HU.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.errors import InputRefused
from node.learn.index import Row
from node.learn.stacked import read_stack

_LOW_HU, _HIGH_HU = -1000.0, 400.0
_READERS = 4


@dataclass(frozen=True, slots=True)
class Crop:
    """One nodule on one slice.

    Attributes
    ----------
    hu_yx : (128, 128) int16, grey levels stretched to -1000 ... 400: for outlines only.
    readers : (4, 128, 128) bool, what each reader marked.
    pixel_mm : mm, None where unknown.
    """

    hu_yx: NDArray[np.int16]
    readers: NDArray[np.bool_]
    pixel_mm: float | None

    @property
    def votes_yx(self) -> NDArray[np.uint8]:
        """How many readers marked each pixel."""
        votes: NDArray[np.uint8] = self.readers.sum(0, dtype=np.uint8)
        return votes


def read_crop(row: Row) -> Crop:
    """Read one row of `nodule2d`.

    Raises
    ------
    InputRefused
        SET-UNREAD if picture or mask are missing, too short for the tile or the mask is no bitmask of four.
    """
    height, width, tile = int(row["height"]), int(row["width"]), int(row["tile"])
    grey, bits = (read_stack(row, column, height, width) for column in ("image", "mask"))
    if tile >= len(grey) or tile >= len(bits):
        raise InputRefused("SET-UNREAD", f"{row.id}: tile {tile} of {min(len(grey), len(bits))}")
    if bits[tile].max() >= 1 << _READERS:
        raise InputRefused("SET-UNREAD", f"{row.id}: a mask of four readers holds no value {int(bits[tile].max())}")
    hu = np.rint(grey[tile] * ((_HIGH_HU - _LOW_HU) / 255.0) + _LOW_HU).astype(np.int16)
    readers = (bits[tile] >> np.arange(_READERS, dtype=np.uint8)[:, None, None]) & 1
    return Crop(hu, readers.astype(bool), float(row["pixel_mm"]) if row["pixel_mm"] else None)
