"""The score that a training is steered by: Dice of slices, a case weighing as the root of its number of slices.

That is how the slices to learn from are drawn, too. A mean over cases would let one odd slice that is a whole case
choose the epoch; figures that are reported are means over cases all the same.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from node.learn.losses import Loss
from node.learn.slice_set import SliceSet, batch
from node.segment.runtime import Runtime

_BATCH = 8


@dataclass(frozen=True, slots=True)
class Score:
    """Validation after one epoch.

    Attributes
    ----------
    dice : over slices with a non-empty reference, mean per case, cases weighed by the root of their slices.
    loss : mean over batches.
    kept_out : fraction of tumour pixels outside the mask, over all slices; 1 for P0, 0 for P1.
    """

    dice: float
    loss: float
    kept_out: float


def validate(
    model: nn.Module, data: SliceSet, prepare: Callable[[Tensor], Tensor], target: Callable[[Tensor], Tensor],
    loss: Loss, runtime: Runtime,
) -> Score:  # fmt: skip
    """Score the model on every slice of `data`."""
    model.eval()
    per_case: dict[str, list[float]] = defaultdict(list)
    losses, tumour_px, kept_px = [], 0, 0
    for first in range(0, len(data), _BATCH):
        index = np.arange(first, min(first + _BATCH, len(data)))
        hu, ids = batch(data, index)
        y = target(ids)
        with torch.inference_mode(), runtime.autocast():
            output = model(prepare(hu.to(runtime.device)).contiguous(memory_format=torch.channels_last))
        losses.append(float(loss(output, y.to(runtime.device))))
        mask = output.main.float().cpu() > 0.0
        for i, m, t in zip(index, mask, y.bool(), strict=True):
            if t.any():
                per_case[data.rows[i].case].append(float(2 * (m & t).sum() / (m.sum() + t.sum())))
        tumour_px += int((ids == 2).sum())
        kept_px += int(((ids == 2) & ~mask).sum())
    means = [float(np.mean(values)) for values in per_case.values()]
    weights = [len(values) ** 0.5 for values in per_case.values()]
    steering = float(np.average(means, weights=weights)) if means else 0.0
    return Score(steering, float(np.mean(losses)), kept_px / tumour_px if tumour_px else 1.0)
