"""Lungs of a series beside the R231 architecture of the lungmask package: random weights, same slices, same run.

The peer is the network alone, in batches of 8 at 256 x 256, in the fastest of the runtimes that are installed (single
precision, bf16 with channels-last, OpenVINO with bf16); its reading, resizing and clean-up are not counted. Ours is
everything from the volume to the labelled lungs. Published Dice of R231 is 0.97 to 0.98 on its own test cases.
"""

import importlib.util
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from node.bench.row import Row
from node.errors import Misconfigured
from node.facts.series import SeriesFacts
from node.phantom.thorax import make_thorax, thorax_grid
from node.segment.contract import LungModel, Task
from node.segment.registry import installed, load_lungs
from node.volume.volume import Volume

_TARGET = 3.0  # architecture 6
_BATCH = 8
_SIDE = 256
_SHAPE = (64, 512)
_ROUNDS = 3  # the fastest counts, for every side; sides take turns


def bench_segment(
    models: Sequence[str] = (), shape: tuple[int, int] = _SHAPE, rounds: int = _ROUNDS, models_dir: Path | None = None
) -> list[Row]:
    """Time lungs in slices per second.

    Parameters
    ----------
    models : names of installed lung models; none takes all.
    shape : slices, and rows as columns, of the made-up thorax.
    rounds : how often each side runs.

    Raises
    ------
    Misconfigured
        SYS-PEER if the lungmask package is not installed; SYS-MODEL for the models.
    """
    names = models or [card.name for card in installed(models_dir) if Task.LUNGS in card.tasks]
    volume = _thorax(*shape)
    ours = {name: _run(load_lungs(name, models_dir), volume) for name in names}
    peers = _peers(_r231(), shape[0])
    rates = _rates({**ours, **peers}, shape[0], rounds)
    peer_name, peer = max(((name, rates[name]) for name in peers), key=lambda pair: pair[1])
    return [
        Row(f"lungs, {name}", rates[name], "slices/s", peer, f"R231 {peer_name}", at_least=_TARGET) for name in names
    ]


def _rates(sides: dict[str, Callable[[], object]], n_slices: int, rounds: int) -> dict[str, float]:
    """Return slices per second of each side's fastest round; the first, which warms up, does not count."""
    best: dict[str, float] = {}
    for turn in range(rounds + 1):
        for name, side in sides.items():
            started = time.perf_counter()
            side()
            rate = n_slices / (time.perf_counter() - started)
            best[name] = max(best.get(name, 0.0), rate) if turn else 0.0
    return best


def _run(model: LungModel, volume: Volume) -> Callable[[], object]:
    return lambda: model.segment(volume)


def _thorax(n_slices: int, side: int) -> Volume:
    """Return a made-up thorax as a volume without headers: models look at voxels only."""
    phantom = make_thorax(thorax_grid(n_slices, side))
    return Volume(phantom.hu_zyx, phantom.grid.lps_from_zyx, (), None, 0.0, (), SeriesFacts(()))


def _r231() -> nn.Module:
    """Build the peer's network from its package's own file, without importing what else the package needs."""
    package = importlib.util.find_spec("lungmask")
    if package is None or package.origin is None:
        raise Misconfigured("SYS-PEER", "the peer is not installed: pip install --no-deps lungmask==0.2.22")
    spec = importlib.util.spec_from_file_location("lungmask_resunet", Path(package.origin).parent / "resunet.py")
    if spec is None or spec.loader is None:
        raise Misconfigured("SYS-PEER", "the installed lungmask has no resunet.py; this bench is made for 0.2.22")
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network: nn.Module = module.UNet(
        n_classes=3, padding=True, depth=5, up_mode="upsample", batch_norm=True, residual=False
    ).eval()
    return network


def _peers(network: nn.Module, n_slices: int) -> dict[str, Callable[[], object]]:
    """Return the peer in each runtime that is installed."""
    batches = torch.split(torch.rand(n_slices, 1, _SIDE, _SIDE), _BATCH)
    sides: dict[str, Callable[[], object]] = {
        "float32": lambda: _forward(network, batches, bf16=False),
        "bfloat16": lambda: _forward(network, batches, bf16=True),
    }
    if importlib.util.find_spec("openvino") is not None:
        compiled = _openvino(network)
        sides["openvino bf16"] = lambda: [compiled(np.asarray(batch)) for batch in batches]
    return sides


def _forward(network: nn.Module, batches: Sequence[torch.Tensor], *, bf16: bool) -> None:
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        for batch in batches:
            network(batch.contiguous(memory_format=torch.channels_last))


def _openvino(network: nn.Module) -> Any:
    """Compile the peer with OpenVINO; the library is optional and has no annotations."""
    openvino: Any = importlib.import_module("openvino")
    model = openvino.convert_model(network, example_input=torch.rand(_BATCH, 1, _SIDE, _SIDE))
    return openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "bf16"})
