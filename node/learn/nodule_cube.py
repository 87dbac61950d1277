"""One cube of `nodule3d`: HU and the consensus outline of one nodule, unstacked; slice 0 is nearest the feet."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.errors import InputRefused
from node.learn.index import Row
from node.learn.stacked import read_stack


@dataclass(frozen=True, slots=True)
class Cube:
    """One nodule in its surroundings.

    Attributes
    ----------
    hu_zyx : (slices, 64, 64) int16, HU, clipped by the publishers at -1024 and 300.
    nodule_zyx : (slices, 64, 64) bool.
    spacing_mm : mm, the same along all three axes.
    """

    hu_zyx: NDArray[np.int16]
    nodule_zyx: NDArray[np.bool_]
    spacing_mm: float


def read_cube(row: Row) -> Cube:
    """Read one row of `nodule3d`.

    Raises
    ------
    InputRefused
        SET-UNREAD if picture or mask are missing or of another depth than the index says.
    """
    height, width, depth = int(row["height"]), int(row["width"]), int(row["depth"])
    grey, mask = (read_stack(row, column, height, width) for column in ("image", "mask"))
    if len(grey) != depth or len(mask) != depth:
        raise InputRefused("SET-UNREAD", f"{row.id}: {len(grey)} and {len(mask)} slices, {depth} expected")
    hu = np.rint(grey * float(row["hu_slope"]) + float(row["hu_intercept"])).astype(np.int16)
    return Cube(hu, mask == 255, float(row["spacing_mm"]))
