"""Who is judged: an installed model, a run folder, the rules, or masks that were saved before."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from node.errors import InputRefused, Misconfigured
from node.learn import checkpoint
from node.learn.cases import Item
from node.learn.catalogue import entry
from node.learn.predictions import LIST, read_list, read_mask
from node.learn.train import BEST
from node.segment.contract import LungDefinition, Task
from node.segment.ensemble import masses_of, members_of
from node.segment.folding import folded
from node.segment.lung_mask import MaskPlan, lung_mask
from node.segment.mass_finder import load_mass_finder
from node.segment.model_card import ModelCard
from node.segment.network_model import load_network, sided
from node.segment.postprocess.sure_dense import SURE
from node.segment.registry import verify
from node.segment.rules import lung_labels
from node.segment.runtime import Precision, runtime
from node.segment.slice_runner import SlicePlan, SliceRunner
from node.segment.working_grid import usual_grid

Mask = NDArray[np.bool_]
Find = Callable[[Item], Mask]

_UNKNOWN_MM = (1.0, 1.0, 1.0)  # single slices of unknown pixel size: only the smoothing along z would use it


@dataclass(frozen=True, slots=True)
class Predictor:
    """One model to be judged.

    Attributes
    ----------
    definition : which reference it is compared with unless told otherwise.
    train_cases : patients that it learnt from.
    find : an item to a mask of its shape.
    """

    name: str
    task: Task
    definition: LungDefinition
    train_cases: frozenset[str]
    find: Find


def predictor(
    name: str, models_dir: Path | None = None, device: str = "auto", precision: Precision = "auto", *, raw: bool = False
) -> Predictor:
    """Find what a name stands for: a folder of a run or of saved masks, else an installed model.

    Parameters
    ----------
    raw : leave out gating and the density border, for a run folder: the ablation of it.

    Raises
    ------
    InputRefused
        MODEL-UNKNOWN if it is neither.
    Misconfigured
        SYS-MODEL if it is installed but damaged, or finds lesions.
    """
    folder = Path(name)
    if (folder / BEST).is_file():
        return _of_run(folder, device, precision, raw=raw)
    if (folder / LIST).is_file():
        return _of_saved(folder)
    card = verify(name, models_dir)
    _refuse_lesions(name, is_lungs=Task.LUNGS in card.tasks)
    if card.kind == "rules":
        return Predictor(name, Task.LUNGS, LungDefinition.WITHOUT_LESIONS, frozenset(), _by_rules)
    if card.kind == "ensemble":
        return _of_ensemble(card, models_dir, device, precision)
    loaded = load_network(card, runtime(device, precision))
    return Predictor(
        name,
        Task.LUNGS,
        loaded.plan.definition,
        loaded.train_cases,
        lambda item: lung_mask(item.hu_zyx, item.spacing_zyx_mm or _UNKNOWN_MM, loaded.runner, loaded.plan),
    )


def _refuse_lesions(name: str, *, is_lungs: bool) -> None:
    if not is_lungs:
        text = f"{name} finds lesions: judge it by `lungnode judge-lesions` or `lungnode judge-scans`"
        raise Misconfigured("SYS-MODEL", text)


def _of_run(folder: Path, device: str, precision: Precision, *, raw: bool) -> Predictor:
    """Return the best epoch of a training."""
    told = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    _refuse_lesions(folder.name, is_lungs=told["task"] == Task.LUNGS.value)
    network = entry(told["model"]).build(told["sizes"])
    checkpoint.load(folder / BEST, network)
    channels = int(told["sizes"].get("channels", 1))
    slices = SlicePlan(told["size"], told["recipe"], told["body_only"], channels=channels)
    runner = SliceRunner(folded(network), slices, runtime(device, precision))
    definition = LungDefinition(told["definition"])
    sure_dense = 0.0 if raw or definition is not LungDefinition.WITH_LESIONS else SURE
    plan = MaskPlan(definition, gated=not raw, density_border=not raw, domes_off=not raw, sure_dense=sure_dense)
    return Predictor(
        folder.name,
        Task(told["task"]),
        definition,
        frozenset(told["train_cases"]),
        lambda item: lung_mask(item.hu_zyx, item.spacing_zyx_mm or _UNKNOWN_MM, runner, plan),
    )


def _of_ensemble(card: ModelCard, models_dir: Path | None, device: str, precision: Precision) -> Predictor:
    """Return the vote of the members' masks, its masses completed."""
    members = [predictor(name, models_dir, device, precision) for name in members_of(card)]
    votes = int(card.options.get("votes", 1))
    same = {member.definition for member in members}
    name = masses_of(card)
    masses = load_mass_finder(verify(name, models_dir), place=runtime(device, precision)) if name else None

    def find(item: Item) -> Mask:
        voted: Mask = np.sum([member.find(item) for member in members], axis=0) >= votes
        if masses is None or not item.is_volume:
            return voted
        grid = usual_grid(item.hu_zyx.shape, item.spacing_zyx_mm or _UNKNOWN_MM)
        return masses.completed(sided(item.hu_zyx, voted, grid), item.hu_zyx, grid) > 0

    return Predictor(
        card.name,
        Task.LUNGS,
        members[0].definition if len(same) == 1 else LungDefinition.WITH_LESIONS,
        frozenset().union(*(one.train_cases for one in (*members, *((masses,) if masses else ())))),
        find,
    )


def _by_rules(item: Item) -> Mask:
    """Find lungs by rules; they need neighbouring slices."""
    if not item.is_volume or item.spacing_zyx_mm is None:
        raise InputRefused(
            "RULE-SLICE", "lungs-rule follows the windpipe through a volume; it has no answer for a slice"
        )
    z, y, x = item.spacing_zyx_mm
    lps_from_zyx = np.array([[0, 0, x, 0], [0, y, 0, 0], [z, 0, 0, 0], [0, 0, 0, 1]], np.float64)
    return lung_labels(item.hu_zyx, lps_from_zyx) > 0


def _of_saved(folder: Path) -> Predictor:
    """Return masks that were saved while another run was judged."""
    told = read_list(folder)
    cases = told["train_cases"]
    return Predictor(
        str(told["name"]),
        Task(str(told["task"])),
        LungDefinition(str(told["definition"])),
        frozenset(cases if isinstance(cases, list) else ()),
        lambda item: read_mask(folder, item.id),
    )
