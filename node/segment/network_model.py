"""A trained network behind the model contract: `models/<name>/` with model.toml, weights.safetensors and training.json.

The network sees slices in the usual view whatever way the scan was stored; right and left are told apart on the
working grid by the rules' own way. A series is flagged unsure, with the reason in plain words, where the network and
the rules disagree, where its intensities are not those of the training rows, or where lungs are cut by the image.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from node.errors import Affects, Code, Refusal, refuse
from node.segment.contract import (
    LungDefinition,
    LungModel,
    ModelIdentity,
    Segment,
    Segmentation,
    SegmentKind,
    Task,
)
from node.segment.dense_steps import with_steps_told
from node.segment.doubt import doubts
from node.segment.folding import folded
from node.segment.lung_mask import MaskPlan, lung_mask
from node.segment.model_card import ModelCard
from node.segment.networks import table
from node.segment.rules import lung_labels
from node.segment.runtime import Runtime, runtime
from node.segment.sides import LEFT, RIGHT, sides
from node.segment.slice_runner import SlicePlan, SliceRunner
from node.segment.stored_model import loading, reference_of, stored_training, stored_weights
from node.segment.working_grid import WorkingGrid, working_grid
from node.volume.volume import Volume

_SMALLEST_ML = 100.0
# All other options are sizes and switches of the network: one that is not read would make another network.
_NOT_SIZES = frozenset(
    [
        "size",
        "recipe",
        "body_only",
        "definition",
        "threshold",
        "flips",
        "gated",
        "density_border",
        "domes_off",
        "sure_dense",
        "recesses",
    ]
)
_KINDS = {RIGHT: (SegmentKind.RIGHT_LUNG, "Right lung"), LEFT: (SegmentKind.LEFT_LUNG, "Left lung")}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A network as shipped, ready to run.

    Attributes
    ----------
    runner, plan : what draws a mask.
    train_cases : the patients it learnt from; a judge refuses them.
    """

    card: ModelCard
    runner: SliceRunner
    plan: MaskPlan
    train_cases: frozenset[str]


def load_network(card: ModelCard, place: Runtime) -> Loaded:
    """Load a verified model's network.

    Raises
    ------
    Misconfigured
        SYS-MODEL where its files do not fit this program.
    """
    with loading(card):
        told = stored_training(card.folder)
        options = dict(card.options)
        sizes = {name: int(value) for name, value in options.items() if name not in _NOT_SIZES}
        network = table.build(card.kind, {**sizes})
        network.load_state_dict(stored_weights(card.folder))
        slices = SlicePlan(
            int(options["size"]), str(options["recipe"]), bool(options["body_only"]), bool(options.get("flips", False)),
            int(options.get("channels", 1)),
        )  # fmt: skip
        plan = MaskPlan(
            LungDefinition(str(options["definition"])), float(options["threshold"]), reference_of(told),
            bool(options.get("gated", True)), bool(options.get("density_border", False)),
            bool(options.get("domes_off", False)), _sure_dense(options.get("sure_dense", 0.0)),
            bool(options.get("recesses", False)),
        )  # fmt: skip
    return Loaded(card, SliceRunner(folded(network), slices, place), plan, frozenset(told["train_cases"]))


def _sure_dense(told: object) -> float:
    """Read a probability; models of earlier programs said true, which must not be taken for 1."""
    if isinstance(told, bool):
        raise ValueError("sure_dense is a probability since ADR 0017: write 0.94 for true, 0 for false")
    return float(str(told))


def load_network_lungs(card: ModelCard, threads: int = 0, device: str = "auto") -> LungModel:
    """Load a network that finds lungs."""
    if threads:
        torch.set_num_threads(threads)
    return NetworkLungs(load_network(card, runtime(device)))


class NetworkLungs:
    """A network behind the contract of `LungModel`."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded

    @property
    def identity(self) -> ModelIdentity:
        """Name, version, digest, runtime."""
        card = self._loaded.card
        return ModelIdentity(card.name, card.version, card.digest, Task.LUNGS, self._loaded.runner.runtime.name)

    def segment(self, volume: Volume) -> Segmentation | Refusal:
        """Find the right and the left lung."""
        answer = self.segment_beside(volume, None)
        if isinstance(answer, Refusal):
            return answer
        return with_steps_told(answer, volume)

    def segment_beside(self, volume: Volume, by_rules_zyx: NDArray[np.bool_] | None) -> Segmentation | Refusal:
        """Find the right and the left lung, and compare them with the rules' lungs; None finds those first.

        Parameters
        ----------
        by_rules_zyx : (slices, rows, columns) bool, the volume's grid.
        """
        nz, ny, nx = volume.hu_zyx.shape
        grid = working_grid((nz, ny, nx), volume.lps_from_zyx)
        full_hu = np.ascontiguousarray(grid.turned(volume.hu_zyx))
        if by_rules_zyx is None:
            by_rules_zyx = lung_labels(volume.hu_zyx, volume.lps_from_zyx) > 0
        turned = np.ascontiguousarray(grid.turned(by_rules_zyx))
        mask = lung_mask(full_hu, grid.full_spacing_mm, self._loaded.runner, self._loaded.plan, turned)
        found_ml = float(np.count_nonzero(mask)) * volume.voxel_ml
        if found_ml < _SMALLEST_ML:
            text = f"no lungs found: {found_ml:.0f} ml, at least {_SMALLEST_ML:.0f} ml expected"
            return Refusal((refuse(Code.SEG_EMPTY, text, Affects.SERIES),))
        labels = np.ascontiguousarray(grid.turned_back(sided(full_hu, mask, grid)))
        unsure = doubts(volume.hu_zyx, labels > 0, by_rules_zyx, volume.voxel_ml, self._loaded.plan.reference)
        labels.flags.writeable = False
        return Segmentation(
            labels_zyx=labels,
            segments=tuple(Segment(label, *_KINDS[label]) for label in (RIGHT, LEFT) if (labels == label).any()),
            definition=self._loaded.plan.definition,
            models=(self.identity,),
            unsure=unsure,
        )


def sided(full_hu: NDArray[np.int16], mask: NDArray[np.bool_], grid: WorkingGrid) -> NDArray[np.uint8]:
    """Label a mask on the full grid: 1 right, 2 left, by the nearest voxel of the working grid that has a side."""
    reduced = _any_of_block(mask, grid)
    hu = grid.reduce(full_hu)
    across = np.nonzero((hu > -300).any(axis=(0, 1)))[0]
    middle = float(across[0] + across[-1]) / 2.0 if len(across) else grid.shape[2] / 2.0
    coarse = sides(hu, reduced, middle, grid.spacing_mm)
    if not coarse.all():
        nearest = ndimage.distance_transform_edt(coarse == 0, return_distances=False, return_indices=True)
        coarse = coarse[tuple(nearest)]
    answer: NDArray[np.uint8] = np.where(mask, grid.enlarged(coarse), 0).astype(np.uint8)
    return answer


def _any_of_block(mask: NDArray[np.bool_], grid: WorkingGrid) -> NDArray[np.bool_]:
    """Reduce a mask to the working grid: a block is set where at least half of it is."""
    fz, fy, fx = grid.factors
    nz, ny, nx = grid.shape
    padded = np.zeros((nz * fz, ny * fy, nx * fx), bool)
    padded[: mask.shape[0], : mask.shape[1], : mask.shape[2]] = mask
    share: NDArray[np.float64] = padded.reshape(nz, fz, ny, fy, nx, fx).mean((1, 3, 5))
    return share >= 0.5
