"""Pictures that were stacked from top to bottom in one file."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from node.errors import InputRefused
from node.learn.index import Row


def read_stack(row: Row, column: str, height: int, width: int) -> NDArray[np.uint8]:
    """Read the picture that a column names as (number, height, width) uint8.

    Raises
    ------
    InputRefused
        SET-UNREAD if it is missing or not a whole number of such pictures.
    """
    path = (row.root / row[column]).resolve()
    if not row[column] or not path.is_file():
        raise InputRefused("SET-UNREAD", f"{row.id}: no {column} {row[column]!r}")
    with Image.open(path) as image:
        pixels = np.asarray(image)
    if pixels.ndim != 2 or pixels.dtype != np.uint8 or pixels.shape[1] != width or pixels.shape[0] % height:
        raise InputRefused("SET-UNREAD", f"{row.id}: {pixels.shape} is no stack of {height} x {width}")
    return pixels.reshape(-1, height, width)
