"""A loaded network that answers slice by slice: batches, device, arithmetic, and what to do when memory runs out.

Slices come in the usual view (front up, the patient's right on the left) and go out on their own grid as 0 ... 255,
so that a long series is never held in single precision.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from node.segment.memory import halved
from node.segment.preprocess.body import outside_to_air
from node.segment.preprocess.histogram import Cdf, match
from node.segment.preprocess.recipes import RECIPES
from node.segment.preprocess.resize import from_network, to_network
from node.segment.runtime import Runtime, channels_last

_BATCH = 8


@dataclass(frozen=True, slots=True)
class SlicePlan:
    """What happens to a slice before and after the network.

    Attributes
    ----------
    size : rows and columns of the network's input.
    recipe : of `preprocess.recipes`.
    body_only : whether what lies outside the body is set to air first.
    flips : whether the answer is the mean of the picture's and its mirror image's.
    channels : 1, or 3 for the slice between its neighbours; at the ends it stands in for the missing one.
    """

    size: int
    recipe: str
    body_only: bool
    flips: bool = False
    channels: int = 1


class SliceRunner:
    """Holds one network, warm, on one device."""

    def __init__(self, model: nn.Module, plan: SlicePlan, runtime: Runtime) -> None:
        self._model = channels_last(model.to(runtime.device).eval())
        self._plan = plan
        self._runtime = runtime

    @property
    def runtime(self) -> Runtime:
        """Device and arithmetic."""
        return self._runtime

    def probabilities(self, hu_zyx: NDArray[np.int16], matched: tuple[Cdf, Cdf] | None = None) -> NDArray[np.uint8]:
        """Return 255 times the probability of every pixel, on the slices' own grid.

        Parameters
        ----------
        hu_zyx : (slices, rows, columns), HU, the usual view.
        matched : the series' CDF and the reference's, where its histogram is to be matched (P0, equation 9).

        Raises
        ------
        MemoryError
            If not even a single slice fits into memory.
        """
        answer = np.empty(hu_zyx.shape, np.uint8)
        first, n = 0, _BATCH
        while first < len(hu_zyx):
            try:
                answer[first : first + n] = self._batch(hu_zyx, first, min(first + n, len(hu_zyx)), matched)
            except (RuntimeError, MemoryError) as error:
                n = halved(n, error)
                continue
            first += n
        return answer

    def _batch(
        self, hu_zyx: NDArray[np.int16], first: int, end: int, matched: tuple[Cdf, Cdf] | None
    ) -> NDArray[np.uint8]:
        reach = self._plan.channels // 2
        at = np.clip(np.arange(first - reach, end + reach), 0, len(hu_zyx) - 1)
        hu = hu_zyx[at].astype(np.float32)
        if matched is not None:
            hu = match(hu, *matched)
        if self._plan.body_only:
            hu = np.stack([outside_to_air(slice_yx) for slice_yx in hu])
        shape_yx = (hu.shape[1], hu.shape[2])
        with torch.inference_mode():
            x = to_network(torch.from_numpy(hu)[:, None].to(self._runtime.device), self._plan.size)
            x = torch.cat([x[c : c + end - first] for c in range(self._plan.channels)], 1)
            x = RECIPES[self._plan.recipe](x).contiguous(memory_format=torch.channels_last)
            p = self._answer(x)
            if self._plan.flips:
                p = (p + self._answer(x.flip(-1)).flip(-1)) / 2.0
            p = from_network(p, shape_yx)[:, 0]
            answer: NDArray[np.uint8] = (p * 255.0).round().to(torch.uint8).cpu().numpy()
        return answer

    def _answer(self, x: torch.Tensor) -> torch.Tensor:
        with self._runtime.autocast():
            logits = self._model(x).main
        return torch.sigmoid(logits.float())
