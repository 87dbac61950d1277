"""Of a nodule's cube or crop the one surest piece: it holds one nodule, and that is known before it is answered."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
from scipy import ndimage

from node.learn.lesion_score import Found
from node.learn.lesion_set import LesionSet
from node.learn.shifted import LARGEST_PX

_ENOUGH = 60  # voxels; a vessel or a wall is larger than a nodule, so that more of them says nothing


def surest_only(data: LesionSet, found: Iterable[Found], threshold: float) -> Iterator[Found]:
    """Yield the answers; in a small stack what is marked beside its surest piece (26 neighbours) becomes 0.

    The surest has the highest mean probability times voxels, of which no more than 60 count. Larger pictures are passed
    on as they are: a scan may hold more than one tumour.
    """
    stacks: dict[str, list[Found]] = defaultdict(list)
    for at, p in found:
        if max(p.shape) > LARGEST_PX:
            yield at, p
        else:
            stacks[data.planes[at].stack].append((at, p))
    for stack in stacks.values():
        index = sorted((at for at, _ in stack), key=lambda at: data.planes[at].z)
        p_zyx = np.stack([p for _, p in sorted(stack, key=lambda one: data.planes[one[0]].z)])
        pieces, n = ndimage.label(p_zyx >= threshold, np.ones((3, 3, 3)))
        if n > 1:
            numbers = np.arange(1, n + 1)
            sure = np.asarray(ndimage.mean(p_zyx, pieces, numbers))
            size = np.bincount(pieces.ravel(), minlength=n + 1)[1:]
            kept = 1 + int((sure * np.minimum(size, _ENOUGH)).argmax())
            p_zyx = np.where((pieces > 0) & (pieces != kept), np.float32(0.0), p_zyx)
        yield from zip(index, p_zyx, strict=True)
