"""One network of whole cubes as it answers what lies round a nodule, in three dimensions at once."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from node.segment.preprocess.lesion_recipes import Prepare
from node.segment.runtime import Runtime


class CubeNet:
    """Holds one network, warm, on one device.

    Parameters
    ----------
    prepare : from HU to its channels.
    flips : whether the answer is the mean of the cube's and its mirror image's.
    """

    def __init__(self, model: nn.Module, prepare: Prepare, runtime: Runtime, *, flips: bool) -> None:
        self._model = model.to(runtime.device).eval()
        self._prepare = prepare
        self._runtime = runtime
        self._flips = flips

    def of_cube(self, hu: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return probabilities of nodule, the cube's shape.

        Parameters
        ----------
        hu : (slices, rows, columns), HU, voxels as long as wide.
        """
        x = self._prepare(torch.from_numpy(hu.astype(np.float32))[None, None])
        with torch.inference_mode():
            return cube_probabilities(self._model, x, self._runtime, flips=self._flips)


def cube_probabilities(model: nn.Module, x: Tensor, runtime: Runtime, *, flips: bool) -> NDArray[np.float32]:
    """Return (D, H, W) probabilities from one prepared cube (1, C, D, H, W)."""
    x = x.to(runtime.device)
    p = _probabilities(model, x, runtime)
    if flips:
        p = (p + _probabilities(model, x.flip(-1), runtime).flip(-1)) / 2.0
    answer: NDArray[np.float32] = p[0, 0].cpu().numpy()
    return answer


def _probabilities(model: nn.Module, x: Tensor, runtime: Runtime) -> Tensor:
    with runtime.autocast():
        logits: Tensor = model(x.contiguous(memory_format=torch.channels_last_3d)).main
    return torch.sigmoid(logits.float())
