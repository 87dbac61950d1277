"""What lesion networks mark on the items of an evaluation, on the items' own grid.

Whole slices are answered, with the threshold, the mirror image and the peak of the installed model (of a training:
0.5, and nothing else). How a scan is searched in its lungs is judged by `judge-scans`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from node.learn.cases import Item
from node.learn.lesion_judge import Finish, answers
from node.learn.lesion_set import of_planes
from node.learn.lesion_trained import Trained
from node.learn.planes import Plane, reduced
from node.segment.ensemble import members_of
from node.segment.model_card import ModelCard
from node.segment.preprocess.resize import from_network
from node.segment.registry import find
from node.segment.runtime import Runtime

Mask = NDArray[np.bool_]


def finish_of(card: ModelCard, models_dir: Path | None) -> Finish:
    """Return what an installed model says of what comes after its networks."""
    nets = [find(name, models_dir) for name in members_of(card)] or [card]
    return Finish(
        threshold=float(card.options.get("threshold", 0.5)),
        flips=all(bool(net.options.get("flips", False)) for net in nets),
        peak=float(card.options.get("peak", 0.0)),
    )


def lesion_masks(runs: Sequence[Trained], stack: Sequence[Item], finish: Finish, runtime: Runtime) -> list[Mask]:
    """Return the mask of each item of a stack.

    Parameters
    ----------
    stack : the slices of one scan, each an item, or a volume, cube or crop alone.
    """
    size = runs[0].plan.size
    data = of_planes(tuple(reduced(plane, size) for item in stack for plane in _planes_of(item)))
    p_of = dict(answers(runs, data, finish, runtime))
    masks, first = [], 0
    for item in stack:
        n, *shape_yx = item.hu_zyx.shape
        at_own_size = [_enlarged(p_of[at], (shape_yx[0], shape_yx[1])) for at in range(first, first + n)]
        masks.append(np.stack(at_own_size) >= finish.threshold)
        first += n
    return masks


def _planes_of(item: Item) -> Iterator[Plane]:
    spacing_mm = item.spacing_zyx_mm
    step_mm = spacing_mm[0] if item.is_volume and spacing_mm is not None else item.step_mm
    for z, hu_yx in enumerate(item.hu_zyx):
        unknown = np.zeros(hu_yx.shape, np.uint8)  # the networks are not shown the reference
        scan = item.id if item.is_volume else item.case
        yield Plane(item.id, item.case, "", hu_yx, unknown, scan, item.z + z, step_mm)


def _enlarged(p_yx: NDArray[np.float32], shape_yx: tuple[int, int]) -> NDArray[np.float32]:
    answer: NDArray[np.float32] = from_network(torch.from_numpy(p_yx)[None, None], shape_yx)[0, 0].numpy()
    return answer
