"""One picture of `subtype2d` with its label: a plumbing exercise, for which no figure says anything about patients.

`case` is a group of near copies and the unit of splitting; grey levels are those of a screen in an unknown window.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from node.errors import InputRefused
from node.learn.index import Row
from node.segment.networks.subtype_classifier import SUBTYPES


@dataclass(frozen=True, slots=True)
class SubtypePicture:
    """One picture.

    Attributes
    ----------
    grey_yx : (rows, columns) float32, 0 ... 1.
    label : index into `SUBTYPES`.
    """

    grey_yx: NDArray[np.float32]
    label: int


def read_subtype(row: Row) -> SubtypePicture:
    """Read one row of `subtype2d`.

    Raises
    ------
    InputRefused
        SET-UNREAD if the picture is missing or the label is none of the four.
    """
    path = (row.root / row["image"]).resolve()
    if not row["image"] or not path.is_file():
        raise InputRefused("SET-UNREAD", f"{row.id}: no image {row['image']!r}")
    if row["label"] not in SUBTYPES:
        raise InputRefused("SET-UNREAD", f"{row.id}: {row['label']!r} is none of {', '.join(SUBTYPES)}")
    with Image.open(path) as image:
        grey = np.asarray(image.convert("L"), np.float32) / 255.0
    return SubtypePicture(grey, SUBTYPES.index(row["label"]))
