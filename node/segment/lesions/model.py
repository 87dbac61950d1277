"""Networks that find lesions behind the model contract: one, or several that are averaged (`kind = "ensemble"`).

models/<name>/weights.safetensors   half precision
              training.json         cases, licences, plan, moments, the training rows' histogram
              confidence.json       limits and calibrated confidence; a model without it is flagged
              model.toml            what the node reads

    options   threshold, least_mm3, peak, and for networks flips, step_mm and tiles; for ensembles `members`, and
              `outlines`, a network for nodules (task `nodules`: threshold, flips) that draws them anew (ADR 0027)
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from node.errors import Code, Misconfigured, Reason, Refusal, warn
from node.segment.contract import LungDefinition, ModelIdentity, Segment, Segmentation, SegmentKind, Task
from node.segment.ensemble import members_of, outlines_of
from node.segment.folding import folded
from node.segment.lesions.confidence import Confidence, read_confidence
from node.segment.lesions.cube_net import CubeNet
from node.segment.lesions.finder import Finder, FindPlan, Found
from node.segment.lesions.listing import doubt_of, listed
from node.segment.lesions.mark import Mark
from node.segment.lesions.net import LesionNet, NetPlan
from node.segment.lesions.outliner import Outliner
from node.segment.lesions.sureness import AS_THE_MODEL_SAYS, Sureness
from node.segment.lung_mask import series_cdf
from node.segment.model_card import ModelCard
from node.segment.networks import table
from node.segment.preprocess.histogram import LUNG_LIMIT_HU, TISSUE_LIMIT_HU, Cdf, shifts_hu
from node.segment.preprocess.lesion_recipes import recipe
from node.segment.runtime import Runtime, runtime
from node.segment.stored_model import loading, reference_of, stored_training, stored_weights
from node.segment.working_grid import WorkingGrid, working_grid
from node.volume.volume import Volume

ENSEMBLE = "lesion-ensemble/1"  # raise it when the mean is taken otherwise
FIRST_LABEL = 3
_FILLED_FRAC = 0.25  # of the lungs; more marked is no lesion but a lung that the weights do not know


@dataclass(frozen=True, slots=True)
class LoadedNet:
    """One network as shipped."""

    net: LesionNet
    reference: Cdf | None
    train_cases: frozenset[str]


def load_net(card: ModelCard, place: Runtime) -> LoadedNet:
    """Load a verified model's network.

    Raises
    ------
    Misconfigured
        SYS-MODEL where its files do not fit this program.
    """
    with loading(card):
        network, told = _shipped(card)
        net_plan = replace(
            net_plan_of(told["plan"], told["moments_hu"]),
            flips=bool(card.options.get("flips", False)),
            step_mm=float(card.options.get("step_mm", 2.0)),
            tiles=str(card.options.get("tiles", "none")),
        )
    net = LesionNet(folded(network), net_plan, place)
    return LoadedNet(net, reference_of(told), frozenset(told["train_cases"]))


def _shipped(card: ModelCard) -> tuple[nn.Module, dict[str, Any]]:
    """Return a model's network and what is told of its training."""
    told = stored_training(card.folder)
    network = table.build(card.kind, {"channels": told["channels"], **told["plan"]["sizes"]})
    network.load_state_dict(stored_weights(card.folder))
    return network, told


def net_plan_of(plan: dict[str, Any], moments_hu: tuple[float, float]) -> NetPlan:
    """Return what a training's plan means for answering."""
    return NetPlan(
        recipe=str(plan["recipe"]),
        mean_hu=float(moments_hu[0]),
        sd_hu=float(moments_hu[1]),
        size=int(plan["size"]),
        neighbours=int(plan["neighbours"]),
        run_length=int(plan["run_length"]),
        magnify=int(plan.get("magnify", 1)),  # plans of earlier versions have none
        width=int(plan["sizes"]["width"]),
    )


def load_network_lesions(
    card: ModelCard, find_card: Callable[[str], ModelCard], threads: int = 0, device: str = "auto",
    sureness: Sureness = AS_THE_MODEL_SAYS, *, uncalibrated: bool = False,
) -> "NetworkLesions":  # fmt: skip
    """Load a network, or an ensemble with all its members.

    Parameters
    ----------
    uncalibrated : leave its confidence unread, which may be of an earlier program: it is about to be fitted anew.

    Raises
    ------
    Misconfigured
        SYS-MODEL for files that do not fit, for an ensemble of fewer than two lesion models or of itself, and for
        outlines by what is no network for nodules.
    """
    if threads:
        torch.set_num_threads(threads)
    place = runtime(device)
    cards: tuple[ModelCard, ...] = (card,)
    if card.kind == "ensemble":
        names = members_of(card)
        if card.algorithm != ENSEMBLE or len(names) < 2 or card.name in names:
            text = f"ensemble {card.name!r} ({card.algorithm}) names {len(names)} members; give at least two others"
            raise Misconfigured("SYS-MODEL", text)
        cards = tuple(find_card(name) for name in names)
        if not all(Task.LESIONS in one.tasks and one.kind != "ensemble" for one in cards):
            raise Misconfigured("SYS-MODEL", f"ensemble {card.name!r}: its members must be networks that find lesions")
    nets = tuple(load_net(one, place) for one in cards)
    drawing = find_card(outlines_of(card)) if outlines_of(card) else None
    outliner = None if drawing is None else load_outliner(drawing, place)
    plan = FindPlan(
        float(card.options.get("threshold", 0.5)),
        float(card.options.get("least_mm3", 20.0)),
        float(card.options.get("peak", 0.0)),
    )
    confidence = None if uncalibrated else read_confidence(card.folder)
    finder = Finder([one.net for one in nets], plan, confidence, outliner)
    digest = card.digest
    parts = cards if drawing is None else (*cards, drawing)
    if len(parts) > 1:
        digest = sha256("\n".join([digest, *(one.digest for one in parts)]).encode()).hexdigest()
    identity = ModelIdentity(card.name, card.version, digest, Task.LESIONS, place.name)
    train_cases = frozenset[str]().union(*(one.train_cases for one in nets))
    return NetworkLesions(identity, finder, sureness, nets[0].reference, train_cases)


def load_outliner(card: ModelCard, place: Runtime) -> Outliner:
    """Load a verified network that draws nodules anew.

    Raises
    ------
    Misconfigured
        SYS-MODEL where it is no network of whole cubes for nodules, or does not fit this program.
    """
    if Task.NODULES not in card.tasks or card.kind == "ensemble":
        raise Misconfigured("SYS-MODEL", f"model {card.name!r} draws no outlines: name a network for nodules")
    with loading(card):
        network, told = _shipped(card)
        if not told["plan"].get("cube_depth"):
            text = f"model {card.name!r} answers slices: outlines need a network of whole cubes"
            raise Misconfigured("SYS-MODEL", text)
        prepare = recipe(str(told["plan"]["recipe"]), *told["moments_hu"])
    net = CubeNet(network, prepare, place, flips=bool(card.options.get("flips", False)))
    return Outliner(net, float(card.options.get("threshold", 0.5)), frozenset(told["train_cases"]))


class NetworkLesions:
    """Networks behind the contract of `LesionModel`."""

    def __init__(
        self, identity: ModelIdentity, finder: Finder, sureness: Sureness = AS_THE_MODEL_SAYS,
        reference: Cdf | None = None, train_cases: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self._identity = identity
        self.finder = finder
        self._sureness = sureness
        self._reference = reference
        self.train_cases = train_cases

    @property
    def identity(self) -> ModelIdentity:
        """Name, version, digest, runtime."""
        return self._identity

    def find(self, volume: Volume, lungs: Segmentation) -> Segmentation | Refusal:
        """Find the lesions; a scan in which none is found keeps its lungs as they were."""
        nz, ny, nx = volume.hu_zyx.shape
        grid = working_grid((nz, ny, nx), volume.lps_from_zyx)
        hu = np.ascontiguousarray(grid.turned(volume.hu_zyx))
        found = self.finder.find(hu, lungs, grid)
        confidence = self.finder.confidence
        marks = self.finder.outlined(listed(found, confidence, self._sureness), hu, found.area, grid)
        segments = tuple(
            _segment(number, mark, doubt_of(mark, confidence, self._sureness)) for number, mark in enumerate(marks)
        )
        reasons = doubts(hu, found, marks, confidence, self._reference)
        return replace(
            lungs,
            labels_zyx=_painted(lungs.labels_zyx, marks, grid) if marks else lungs.labels_zyx,
            segments=(*lungs.segments, *segments) if not marks else (*_still_there(lungs, marks, grid), *segments),
            definition=LungDefinition.WITHOUT_LESIONS if marks else lungs.definition,
            models=(*lungs.models, self.identity),
            reasons=(*lungs.reasons, *reasons),
        )


def doubts(
    hu: NDArray[np.int16], found: Found, marks: tuple[Mark, ...], confidence: Confidence | None, reference: Cdf | None
) -> tuple[Reason, ...]:
    """Return SEG-UNSURE with each reason to doubt the lesions of a series; nothing is withheld for it."""
    texts = []
    if marks and confidence is None:
        texts.append("the lesion model has no calibrated confidence")
    inside = int(np.count_nonzero(found.area.inside))
    marked = sum(mark.candidate.n_voxels for mark in marks)
    if marked > _FILLED_FRAC * inside:
        texts.append(f"marks of lesions fill {100 * marked / max(inside, 1):.0f} % of the lungs")
    if reference is not None:
        lung_hu, tissue_hu = shifts_hu(series_cdf(hu), reference)
        if lung_hu > LUNG_LIMIT_HU or tissue_hu > TISSUE_LIMIT_HU:
            texts.append(
                f"intensities differ from what the lesion model learnt from by {lung_hu:.0f} HU in air, "
                f"{tissue_hu:.0f} HU in tissue"
            )
    return tuple(warn(Code.SEG_UNSURE, text) for text in texts)


def _segment(number: int, mark: Mark, doubt: str | None) -> Segment:
    return Segment(FIRST_LABEL + number, SegmentKind.LESION, f"nodule-{number + 1}", mark.confidence, doubt)


def _painted(labels_zyx: NDArray[np.uint8], marks: tuple[Mark, ...], grid: WorkingGrid) -> NDArray[np.uint8]:
    """Write the marks over the lungs."""
    labels = np.array(grid.turned(labels_zyx), order="C")
    for number, mark in enumerate(marks):
        labels[mark.candidate.box][mark.candidate.mask] = FIRST_LABEL + number
    answer = np.ascontiguousarray(grid.turned_back(labels))
    answer.flags.writeable = False
    return answer


def _still_there(lungs: Segmentation, marks: tuple[Mark, ...], grid: WorkingGrid) -> tuple[Segment, ...]:
    """Return the lungs that are more than the lesions in them."""
    labels = _painted(lungs.labels_zyx, marks, grid)
    return tuple(segment for segment in lungs.segments if (labels == segment.label).any())
