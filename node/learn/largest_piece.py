"""Of a nodule's cube or crop the one largest piece: it holds one nodule, and that is known before it is answered."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
from scipy import ndimage

from node.learn.lesion_score import Found
from node.learn.lesion_set import LesionSet
from node.learn.shifted import LARGEST_PX


def largest_only(data: LesionSet, found: Iterable[Found], threshold: float) -> Iterator[Found]:
    """Yield the answers; in a small stack what is marked beside its largest piece (26 neighbours) becomes 0.

    The largest is the one with the highest sum of probabilities. Larger pictures are passed on as they are: a scan may
    hold more than one tumour.
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
            sums = np.asarray(ndimage.sum_labels(p_zyx, pieces, np.arange(1, n + 1)))
            p_zyx = np.where((pieces > 0) & (pieces != 1 + int(sums.argmax())), np.float32(0.0), p_zyx)
        yield from zip(index, p_zyx, strict=True)
