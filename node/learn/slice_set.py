"""The slices that one training run learns from and is validated on, in memory at the size the network takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from node.learn.index import Row
from node.learn.slices import read_slice, read_volume
from node.segment.preprocess.body import outside_to_air
from node.segment.preprocess.resize import to_network


@dataclass(frozen=True, slots=True)
class SliceSet:
    """Pictures and masks of some rows.

    Attributes
    ----------
    hu : (n, channels, size, size) int16, HU; with three channels the slice lies between its neighbours.
    ids : (n, size, size) uint8, as stored.
    rows : one per slice.
    """

    hu: NDArray[np.int16]
    ids: NDArray[np.uint8]
    rows: tuple[Row, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def weights(self) -> NDArray[np.float64]:
        """Return how often each row is drawn: a case with n rows weighs as the root of n, shared among them."""
        _, index, n = np.unique([row.case for row in self.rows], return_inverse=True, return_counts=True)
        weight: NDArray[np.float64] = 1.0 / np.sqrt(n[index])
        shares: NDArray[np.float64] = weight / weight.sum()
        return shares


def load(rows: Sequence[Row], size: int, *, body_only: bool, channels: int = 1, pool: Sequence[Row] = ()) -> SliceSet:
    """Read rows, with `body_only` everything outside the body set to air, and bring them to `size` x `size`.

    Parameters
    ----------
    channels : 1, or 3 for the slice between the next ones of its case; where there is none, the slice itself.
    pool : rows that neighbours may be among, beside `rows`.
    """
    hu = np.empty((len(rows), channels, size, size), np.int16)
    ids = np.empty((len(rows), size, size), np.uint8)
    for i, row in enumerate(rows):
        hu[i, channels // 2], ids[i] = _read(row, size, body_only=body_only)
    if channels > 1:
        _put_beside(hu, rows, pool, body_only=body_only)
    read_volume.cache_clear()  # what was read last may be large
    return SliceSet(hu, ids, tuple(rows))


def _put_beside(hu: NDArray[np.int16], rows: Sequence[Row], pool: Sequence[Row], *, body_only: bool) -> None:
    """Fill the channels beside the middle one, in place."""
    own = {_place(row): i for i, row in enumerate(rows)}
    others = {_place(row): row for row in pool}
    middle = hu.shape[1] // 2
    for i, row in enumerate(rows):
        scan, z = _place(row)
        for channel in (c for c in range(hu.shape[1]) if c != middle):
            place = (scan, z + channel - middle)
            if place in own:
                hu[i, channel] = hu[own[place], middle]
            elif place in others:
                hu[i, channel] = _read(others[place], hu.shape[-1], body_only=body_only)[0]
            else:
                hu[i, channel] = hu[i, middle]


def _read(row: Row, size: int, *, body_only: bool) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    piece = read_slice(row)
    hu_yx = outside_to_air(piece.hu_yx) if body_only else piece.hu_yx
    hu = to_network(torch.from_numpy(hu_yx)[None, None], size)[0, 0].round().numpy().astype(np.int16)
    return hu, nearest(piece.mask_yx, size)


def _place(row: Row) -> tuple[tuple[str, ...], int]:
    """Return scan and slice; rows without a whole number are nobody's neighbours.

    A scan is a patient's slices of one source, in the rule-made set of one set that they were made from.
    """
    number = row["z_index"]
    scan = (row.case, row["source"], row["origin"].partition("/")[0])
    return (scan, int(number)) if number.isdigit() else ((row.id,), 0)


def nearest(mask_yx: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize ids to `size` x `size` by the nearest pixel centre."""
    rows, columns = (np.minimum(((np.arange(size) + 0.5) * n / size).astype(np.intp), n - 1) for n in mask_yx.shape)
    return mask_yx[np.ix_(rows, columns)]


def batch(data: SliceSet, index: NDArray[np.intp]) -> tuple[Tensor, Tensor]:
    """Return pictures (N, channels, H, W) float32 HU and ids (N, 1, H, W) uint8."""
    hu = torch.from_numpy(data.hu[index].astype(np.float32))
    return hu, torch.from_numpy(data.ids[index])[:, None]


def spread(rows: Sequence[Row], per_case: int) -> tuple[Row, ...]:
    """Return at most so many rows of each case, evenly spread in the order of the index."""
    chosen: list[Row] = []
    for case in dict.fromkeys(row.case for row in rows):
        of_case = [row for row in rows if row.case == case]
        at = np.unique(np.linspace(0, len(of_case) - 1, per_case).round().astype(int))
        chosen += [of_case[i] for i in at]
    return tuple(chosen)
