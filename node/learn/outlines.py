"""Planar outlines in patient coordinates, filled on a scan's grid."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from node.volume.volume import Volume


def filled(outlines: Iterable[tuple[float, Sequence[Sequence[float]]]], volume: Volume) -> NDArray[np.bool_]:
    """Fill outlines of an axial scan.

    Parameters
    ----------
    outlines : (z in mm, points (x, y) in mm), LPS; one that lies on no slice, by half a step, is passed over.
    volume : whose rows run along x or y.
    """
    n_slices, n_rows, n_columns = volume.hu_zyx.shape
    mask = np.zeros((n_slices, n_rows, n_columns), bool)
    to_index = np.linalg.inv(volume.lps_from_zyx)
    for z_mm, points in outlines:
        at: NDArray[np.float64] = np.array([(x, y, z_mm, 1.0) for x, y in points]) @ to_index.T
        z = round(float(at[:, 0].mean()))
        if len(at) < 3 or not 0 <= z < len(mask) or abs(float(at[:, 0].mean()) - z) > 0.5:
            continue
        picture = Image.new("1", (n_columns, n_rows))
        ImageDraw.Draw(picture).polygon([(x, y) for _, y, x, _ in at.tolist()], fill=1, outline=1)
        mask[z] ^= np.asarray(picture)  # an outline inside another is a hole
    return mask
