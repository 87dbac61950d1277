"""The scores of an epoch: Dice of slices, a case weighing as the root of its number of slices.

That is how the slices to learn from are drawn, too. A mean over cases would let one odd slice that is a whole case
choose the epoch; figures that are reported are means over cases all the same. A training is steered by the same Dice
with every tumour pixel counted as often as the loss counts it.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

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
    steering : that Dice with tumour pixels weighted.
    loss : mean over batches.
    kept_out : fraction of tumour pixels outside the mask, over all slices; 1 for P0, 0 for P1.
    """

    dice: float
    steering: float
    loss: float
    kept_out: float


def validate(
    model: nn.Module, data: SliceSet, prepare: Callable[[Tensor], Tensor], target: Callable[[Tensor], Tensor],
    loss: Loss, runtime: Runtime, lesion_weight: float = 1.0, lesion_reach_px: int = 0,
) -> Score:  # fmt: skip
    """Score the model on every slice of `data`."""
    model.eval()
    per_case: dict[str, list[tuple[float, float]]] = defaultdict(list)
    losses, tumour_px, kept_px = [], 0, 0
    for first in range(0, len(data), _BATCH):
        index = np.arange(first, min(first + _BATCH, len(data)))
        hu, ids = batch(data, index)
        y = target(ids)
        with torch.inference_mode(), runtime.autocast():
            output = model(prepare(hu.to(runtime.device)).contiguous(memory_format=torch.channels_last))
        w = lesion_weights(ids, lesion_weight, lesion_reach_px)
        losses.append(float(loss(output, y.to(runtime.device), None if w is None else w.to(runtime.device))))
        mask = output.main.float().cpu() > 0.0
        shares = torch.ones_like(y) if w is None else w
        for i, m, t, share in zip(index, mask, y.bool(), shares, strict=True):
            if t.any():
                per_case[data.rows[i].case].append((_dice(m, t, torch.ones_like(share)), _dice(m, t, share)))
        tumour_px += int((ids == 2).sum())
        kept_px += int(((ids == 2) & ~mask).sum())
    means = [np.mean(values, axis=0) for values in per_case.values()]
    weights = [len(values) ** 0.5 for values in per_case.values()]
    plain, steering = np.average(means, axis=0, weights=weights) if means else (0.0, 0.0)
    return Score(float(plain), float(steering), float(np.mean(losses)), kept_px / tumour_px if tumour_px else 1.0)


def lesion_weights(ids: Tensor, lesion_weight: float, reach_px: int = 0) -> Tensor | None:
    """Return what each pixel counts: tumours `lesion_weight`, all else 1; None where everything counts alike.

    What lies within `reach_px` of a tumour counts as much: or a network would rather take the aorta beside a mass in.
    """
    if lesion_weight == 1.0:
        return None
    on = (ids == 2).float()
    if reach_px:
        side = 2 * reach_px + 1
        on = F.max_pool2d(on, (side, 1), 1, (reach_px, 0))
        on = F.max_pool2d(on, (1, side), 1, (0, reach_px))
    return torch.where(on > 0.0, lesion_weight, 1.0)


def _dice(mask: Tensor, truth: Tensor, weight: Tensor) -> float:
    return float(2.0 * weight[mask & truth].sum() / (weight[mask].sum() + weight[truth].sum()))
