"""A network that answers by a rule, to test what follows it without weights; phantoms with truth."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from scipy import ndimage

from node.learn.model_toml import write_toml
from node.phantom.phantom import Nodule, Phantom
from node.phantom.thorax import make_thorax, thorax_grid
from node.segment.contract import LungDefinition, ModelIdentity, Segment, Segmentation, SegmentKind, Task
from node.segment.lesions.confidence import Confidence, write_confidence
from node.segment.lesions.shape import NAMES
from node.segment.model_card import read_card
from node.segment.networks import table
from node.segment.networks.unet import ALGORITHM
from node.volume.volume import Volume

CPU_THREADS = 1
LUNGS = ModelIdentity("lungs-outlined", "1", "0" * 64, Task.LUNGS, "cpu/none/none")
NODULE_HU = -250.0
Make = Callable[..., Path]


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(CPU_THREADS)
    yield
    torch.set_num_threads(threads)


def rule_weights(channels: int, middle: int) -> dict[str, torch.Tensor]:
    """Return a small U-Net's weights that say tumour where one channel is above about -250 HU of a unit window."""
    network = table.build("unet", {"channels": channels, "width": 2, "depth": 1})
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for name, buffer in network.named_buffers():
            if name.endswith("running_var"):
                buffer.fill_(1.0)
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.fill_(1.0)
        down, up = network.down[0], network.up[0].conv
        down[0].weight[0, middle, 1, 1] = 1.0
        down[3].weight[0, 0, 1, 1] = 1.0
        up[0].weight[0, 0, 1, 1] = 1.0
        up[3].weight[0, 0, 1, 1] = 1.0
        network.head.weight[0, 0] = 40.0
        network.head.bias.fill_(-40.0 * (NODULE_HU + 1000.0) / 1400.0)
    return network.state_dict()


def rule_cubes(name: str, folder: Path, nodule_hu: float) -> None:
    """Write an installed network of whole cubes that says nodule from a density on."""
    network = table.build("cube_unet", {"channels": 1, "width": 2, "depth": 1})
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.down[0].past.weight[0, 0] = 1.0
        network.up[0].past.weight[0, 0] = 1.0
        network.head.weight[0, 0] = 40.0
        network.head.bias.fill_(-40.0 * (nodule_hu + 1000.0) / 1400.0)
    where = folder / name
    where.mkdir()
    save_file({key: t.half().contiguous() for key, t in network.state_dict().items()}, where / "weights.safetensors")
    told = {
        "plan": {
            "protocol": "reduced", "loss": "cube-bce-dice", "crop_px": 48, "cube_depth": 40,
            "recipe": "unit", "size": 256, "neighbours": 0, "run_length": 0, "sizes": {"width": 2, "depth": 1},
        },
        "channels": 1, "moments_hu": [0.0, 1.0], "train_cases": ["LIDC-IDRI-0001"], "val_cases": [],
        "model": "cube-unet",
    }  # fmt: skip
    (where / "training.json").write_text(json.dumps(told))
    head = {
        "name": name, "version": "1", "title": "Draws what is dense", "licence": "CC BY 4.0", "kind": "cube_unet",
        "algorithm": table.algorithm("cube_unet"),
    }  # fmt: skip
    write_toml(where, head, {"threshold": 0.5, "flips": True}, Task.NODULES)


@pytest.fixture
def rule_model(tmp_path: Path) -> Make:
    """Write an installed lesion model that marks whatever is dense; `options` go into model.toml."""

    def make(name: str = "dense", folder: Path | None = None, **options: object) -> Path:
        root = folder or tmp_path / "models"
        where = root / name
        where.mkdir(parents=True)
        weights = {key: t.half() if t.is_floating_point() else t for key, t in rule_weights(3, 1).items()}
        save_file({key: t.contiguous() for key, t in weights.items()}, where / "weights.safetensors")
        told = {
            "plan": {
                "protocol": "reduced", "loss": "bce-dice", "crop_px": 192,
                "recipe": "unit", "size": 256, "neighbours": 1, "run_length": 0,
                "sizes": {"width": 2, "depth": 1},
            },
            "channels": 3, "moments_hu": [0.0, 1.0], "train_cases": ["LIDC-IDRI-0001"], "val_cases": [],
            "model": "unet",
        }  # fmt: skip
        (where / "training.json").write_text(json.dumps(told))
        head = {
            "name": name, "version": "1", "title": "Marks what is dense", "licence": "CC BY 4.0", "kind": "unet",
            "algorithm": ALGORITHM,
        }  # fmt: skip
        write_toml(where, head, {"threshold": 0.5, "least_mm3": 20.0, "step_mm": 0.0} | options)
        return root

    return make


@pytest.fixture(scope="session")
def chest() -> Callable[..., Phantom]:
    """Make a small thorax phantom with nodules and no vessels to speak of; equal calls share one."""
    made: dict[object, Phantom] = {}

    def make(*nodules: Nodule, n_slices: int = 64, size: int = 160) -> Phantom:
        key = (nodules, n_slices, size)
        if key not in made:
            made[key] = make_thorax(thorax_grid(n_slices, size), nodules=list(nodules), noise_hu=8.0)
        return made[key]

    return make


def volume_of(phantom: Phantom, hu_zyx: NDArray[np.int16] | None = None) -> Volume:
    """Return a phantom as a volume without headers."""
    hu = phantom.hu_zyx if hu_zyx is None else hu_zyx
    return Volume(hu, phantom.grid.lps_from_zyx, (), None, 0.0, (), None)


def lungs_of(phantom: Phantom) -> Segmentation:
    """Return a phantom's own lungs, nodules left out and holes of theirs with them, as a lung model would."""
    labels = np.where(phantom.labels_zyx <= 2, phantom.labels_zyx, 0).astype(np.uint8)
    labels.flags.writeable = False
    kinds = ((1, SegmentKind.RIGHT_LUNG, "Right lung"), (2, SegmentKind.LEFT_LUNG, "Left lung"))
    return Segmentation(labels, tuple(Segment(*kind) for kind in kinds), LungDefinition.AERATED, (LUNGS,))


def balls(
    centres_mm: list[tuple[float, float, float]], radii_mm: list[float], *, bar_mm: float = 0.0, voxel_mm: float = 1.0,
) -> tuple[NDArray[np.bool_], NDArray[np.int16]]:  # fmt: skip
    """Return the mask and HU of balls of 40 HU in lung, on request with a bar of that radius from one to the next."""
    fine, n = 3, int(56 / voxel_mm)
    at = ((np.arange(n * fine) + 0.5) / fine - 0.5) * voxel_mm
    z, y, x = np.meshgrid(at, at, at, indexing="ij")
    inside = np.zeros(z.shape, bool)
    for (cz, cy, cx), radius in zip(centres_mm, radii_mm, strict=True):
        inside |= (z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 <= radius**2
    if bar_mm:
        (az, ay, ax), (_, _, bx) = centres_mm
        inside |= ((z - az) ** 2 + (y - ay) ** 2 <= bar_mm**2) & (x >= ax) & (x <= bx)
    share = inside.reshape(n, fine, n, fine, n, fine).mean((1, 3, 5))
    blurred = ndimage.gaussian_filter(-850.0 + 890.0 * share, [0.0, 0.6 / voxel_mm, 0.6 / voxel_mm])
    noise = np.random.default_rng(0).normal(0.0, 12.0, share.shape)
    return share >= 0.5, (blurred + noise).astype(np.int16)


def sharp(**weights: float) -> Confidence:
    """Return a confidence that looks at the named features only."""
    n = len(NAMES)
    values = np.array([weights.get(name, 0.0) for name in NAMES])
    return Confidence(np.zeros(n), np.ones(n), values, weights.get("bias", 0.0))


def calibrated(folder, confidence):
    """Put a calibration into a model's folder."""
    write_confidence(confidence, folder)
    with_digests(folder)


def with_digests(folder):
    """Write a model's digests anew, over whatever lies in its folder."""
    card = read_card(folder)
    head = {k: getattr(card, k) for k in ("name", "version", "title", "licence", "kind", "algorithm")}
    write_toml(folder, head, card.options)
