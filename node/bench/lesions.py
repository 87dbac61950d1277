"""Lungs and lesions of a 300-slice CT, in seconds: everything from the volume to the labelled lesions, models warm.

Every installed lesion model is timed; where none is installed, the three systems and the U-Net of the reduced protocol
with random weights, which takes the networks as long as trained ones. The scan is a made-up thorax with six nodules.
"""

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from node.bench.row import Row
from node.facts.series import SeriesFacts
from node.phantom.nodules import choose_nodules
from node.phantom.thorax import make_thorax, thorax_grid
from node.segment.contract import LesionModel, ModelIdentity, Task
from node.segment.folding import folded
from node.segment.lesions.finder import Finder, FindPlan
from node.segment.lesions.model import NetworkLesions
from node.segment.lesions.net import LesionNet, NetPlan
from node.segment.networks import table
from node.segment.registry import installed, load_lesions, load_lungs
from node.segment.runtime import runtime
from node.segment.whole import LungsThenLesions
from node.volume.volume import Volume

_TARGET_S = 180.0
_SHAPE = (300, 512)
_RUN = 8
_UNTRAINED: dict[str, dict[str, int | bool]] = {
    "unet": {"width": 16, "depth": 4},
    "attention_unet_hybrid": {"width": 16, "depth": 4, "gate": 1, "residual": True},
    "dual_backbone_unet": {"width": 16, "resnet": True, "efficientnet": True, "dilation": True, "se": True},
    "raemd_net": {"width": 16},
}
_PRIOR_LOGIT = -4.6  # as in training: hardly a pixel is tumour


def bench_lesions(
    models: Sequence[str] = (), shape: tuple[int, int] = _SHAPE, models_dir: Path | None = None,
    lungs: str = "lungs-joint",
) -> list[Row]:  # fmt: skip
    """Time lungs and lesions of one scan by each model.

    Parameters
    ----------
    models : names of installed lesion models, or of untrained networks; none takes all that are installed, else all
        untrained ones.
    shape : slices, and rows as columns.

    Raises
    ------
    Misconfigured
        SYS-MODEL for the models.
    """
    names = list(models) or [card.name for card in installed(models_dir) if Task.LESIONS in card.tasks]
    names = names or list(_UNTRAINED)
    volume = _thorax(*shape)
    lung_model = load_lungs(lungs, models_dir)
    rows = []
    for name in names:
        model = _untrained(name) if name in _UNTRAINED else load_lesions(name, models_dir)
        both = LungsThenLesions(lung_model, model)
        started_s = perf_counter()
        both.segment(volume)
        what = f"lungs and lesions, {name}, {shape[0]} slices of {shape[1]} x {shape[1]}"
        rows.append(Row(what, perf_counter() - started_s, "s", at_most=_TARGET_S))
    return rows


def _untrained(kind: str) -> LesionModel:
    torch.manual_seed(0)
    run_length = _RUN if kind == "raemd_net" else 0
    channels = 3 if run_length else 6
    network = table.build(kind, {"channels": channels, **_UNTRAINED[kind]})
    torch.nn.init.constant_(network.get_submodule("head").get_parameter("bias"), _PRIOR_LOGIT)
    place = runtime()
    plan = NetPlan("windows", neighbours=0 if run_length else 1, run_length=run_length, tiles="seeds")
    identity = ModelIdentity(kind, "0", "0" * 64, Task.LESIONS, place.name)
    return NetworkLesions(identity, Finder([LesionNet(folded(network), plan, place)], FindPlan()))


def _thorax(n_slices: int, side: int) -> Volume:
    nodules = choose_nodules(6, np.random.default_rng(0))
    phantom = make_thorax(thorax_grid(n_slices, side), nodules=nodules)
    return Volume(phantom.hu_zyx, phantom.grid.lps_from_zyx, (), None, 0.0, (), SeriesFacts(()))
