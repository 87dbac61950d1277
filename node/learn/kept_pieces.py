"""Which marks of neighbouring slices stay: pieces in three dimensions, by size, by how sure they are, or the surest.

A run of `tumour2d` shows one primary tumour, a cube one nodule, and the sets mark nothing else: to keep the surest
piece alone uses that, and says nothing about scans with several lesions.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.learn.lesion_score import Found
from node.learn.lesion_set import LesionSet
from node.learn.runs import runs

_ENOUGH = 60  # voxels; a vessel or a wall is larger than a nodule, so that more of them says nothing


def kept_pieces(
    data: LesionSet,
    found: Iterable[Found],
    threshold: float,
    *,
    least: int = 0,
    peak: float = 0.0,
    single: bool = False,
    middle: bool = False,
) -> Iterator[Found]:
    """Yield the answers, run by run; what is marked and does not stay becomes 0.

    Parameters
    ----------
    found : (number of the slice, probabilities (rows, columns)) of every slice of the set.
    least : pixels that a piece (26 neighbours) must have.
    peak : probability that one of its pixels must have.
    single : keep of each run of two slices or more the piece with the highest mean probability times pixels, of which
        no more than 60 count.
    middle : keep of each run the piece that comes nearest to the middle of the picture, if it is large and sure enough:
        crops and cubes that are not shifted are cut round their nodule.
    """
    answers = dict(found)
    for run in runs(data):
        index = [int(at) for at in run]
        p_zyx = np.stack([answers[at] for at in index])
        pieces, n = ndimage.label(p_zyx >= threshold, np.ones((3, 3, 3)))
        if n:
            stays = _stays(p_zyx, pieces, least, peak, single=single and len(index) > 1, middle=middle)
            off = ~np.concatenate([[True], stays])  # what is not marked stays as it is
            p_zyx = np.where(off[pieces], np.float32(0.0), p_zyx)
        yield from zip(index, p_zyx, strict=True)


def _stays(
    p_zyx: NDArray[np.float32], pieces: NDArray[np.int32], least: int, peak: float, *, single: bool, middle: bool
) -> NDArray[np.bool_]:
    """Tell of each piece whether it stays."""
    size = np.bincount(pieces.ravel())[1:]
    numbers = np.arange(1, len(size) + 1)
    stays = (size >= least) & (np.asarray(ndimage.maximum(p_zyx, pieces, numbers)) >= peak)
    if single:
        sureness = np.asarray(ndimage.mean(p_zyx, pieces, numbers)) * np.minimum(size, _ENOUGH)
        stays &= numbers == 1 + int(sureness.argmax())
    if middle:
        _, y, x = np.indices(p_zyx.shape)
        away_px = np.hypot(y - (p_zyx.shape[1] - 1) / 2.0, x - (p_zyx.shape[2] - 1) / 2.0)
        stays &= numbers == 1 + int(np.argmin(ndimage.minimum(away_px, pieces, numbers)))
    return stays
