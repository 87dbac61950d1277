"""Pictures that were stacked from top to bottom in one file."""

import numpy as np
from numpy.typing import NDArray

from node.errors import InputRefused
from node.learn.index import Row
from node.learn.slices import grey_picture


def read_stack(row: Row, column: str, height: int, width: int) -> NDArray[np.uint8]:
    """Read the picture that a column names as (number, height, width) uint8.

    Raises
    ------
    InputRefused
        SET-UNREAD if it is missing, damaged or not a whole number of such pictures.
    """
    pixels = grey_picture(row, column)
    if pixels.dtype != np.uint8 or pixels.shape[1] != width or pixels.shape[0] % height:
        raise InputRefused("SET-UNREAD", f"{row.id}: {pixels.shape} is no stack of {height} x {width}")
    stack: NDArray[np.uint8] = pixels.astype(np.uint8, copy=False)
    return stack.reshape(-1, height, width)
