"""Who is judged: an installed model, a run folder, the rules, or masks that were saved before.

What it finds, lungs or lesions, is told by its card, its `run.json` or the list of saved masks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from node.errors import InputRefused
from node.learn import checkpoint
from node.learn.cases import Item
from node.learn.catalogue import entry
from node.learn.lesion_judge import Finish
from node.learn.lesion_masks import finish_of, lesion_masks
from node.learn.lesion_trained import answering
from node.learn.predictions import LIST, read_list, read_mask
from node.learn.run_folder import BEST, task_of, told_of
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
Find = Callable[[Sequence[Item]], list[Mask]]

CURVE = "curve.csv"
_UNKNOWN_MM = (1.0, 1.0, 1.0)  # single slices of unknown pixel size: only the smoothing along z would use it


@dataclass(frozen=True, slots=True)
class Predictor:
    """One model to be judged.

    Attributes
    ----------
    definition : which lung it is compared with unless told otherwise; says nothing where lesions are found.
    train_cases : patients that it learnt from.
    find : items that are answered together (see `cases.stacks`) to a mask of each.
    curves : the `curve.csv` of its trainings.
    val_cases : patients whom its training held out.
    """

    name: str
    task: Task
    definition: LungDefinition
    train_cases: frozenset[str]
    find: Find
    curves: tuple[Path, ...] = ()
    val_cases: frozenset[str] = frozenset()


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
        SYS-MODEL if it is not installed or damaged.
    """
    folder = Path(name)
    if (folder / BEST).is_file():
        is_lesions = task_of(folder) is Task.LESIONS
        return (
            _of_lesions(name, Finish(), None, device, precision)
            if is_lesions
            else _of_run(folder, device, precision, raw=raw)
        )
    if (folder / LIST).is_file():
        return _of_saved(folder)
    return _of_model(verify(name, models_dir), models_dir, device, precision)


def _of_model(card: ModelCard, models_dir: Path | None, device: str, precision: Precision) -> Predictor:
    """Return an installed model."""
    if Task.LUNGS not in card.tasks:
        return _of_lesions(card.name, finish_of(card, models_dir), models_dir, device, precision)
    if card.kind == "rules":
        return Predictor(card.name, Task.LUNGS, LungDefinition.WITHOUT_LESIONS, frozenset(), _each(_by_rules))
    if card.kind == "ensemble":
        return _of_ensemble(card, models_dir, device, precision)
    loaded = load_network(card, runtime(device, precision))
    return Predictor(
        card.name,
        Task.LUNGS,
        loaded.plan.definition,
        loaded.train_cases,
        _each(lambda item: _by_network(item, loaded.runner, loaded.plan)),
        _curves(card.folder),
    )


def _each(find: Callable[[Item], Mask]) -> Find:
    """Let what looks at one item alone answer for several."""
    return lambda stack: [find(item) for item in stack]


def _curves(*folders: Path) -> tuple[Path, ...]:
    return tuple(path for folder in folders if (path := folder / CURVE).is_file())


def _of_lesions(name: str, finish: Finish, models_dir: Path | None, device: str, precision: Precision) -> Predictor:
    """Return the training in a folder, an installed lesion model, or the mean of an ensemble's members."""
    place = runtime(device, precision)
    runs = answering(name, models_dir, place)
    return Predictor(
        Path(name).name,
        Task.LESIONS,
        LungDefinition.WITHOUT_LESIONS,
        frozenset[str]().union(*(run.train_cases for run in runs)),
        lambda stack: lesion_masks(runs, stack, finish, place),
        _curves(*(run.folder for run in runs)),
        frozenset[str].intersection(*(run.val_cases for run in runs)),
    )


def _of_run(folder: Path, device: str, precision: Precision, *, raw: bool) -> Predictor:
    """Return the best epoch of a training."""
    told = told_of(folder)
    network = entry(told["model"]).build(told["sizes"])
    checkpoint.load(folder / BEST, network)
    channels = int(told["sizes"].get("channels", 1))
    slices = SlicePlan(told["size"], told["recipe"], told["body_only"], channels=channels)
    runner = SliceRunner(folded(network), slices, runtime(device, precision))
    definition = LungDefinition(told["definition"])
    sure_dense = 0.0 if raw or definition is not LungDefinition.WITH_LESIONS else SURE
    finished = not raw
    plan = MaskPlan(
        definition,
        gated=finished,
        density_border=finished,
        domes_off=finished,
        sure_dense=sure_dense,
        recesses=finished,
    )
    return Predictor(
        folder.name,
        Task(told["task"]),
        definition,
        frozenset(told["train_cases"]),
        _each(lambda item: _by_network(item, runner, plan)),
        _curves(folder),
        frozenset(told["val_cases"]),
    )


def _of_ensemble(card: ModelCard, models_dir: Path | None, device: str, precision: Precision) -> Predictor:
    """Return the vote of the members' masks, its masses completed."""
    members = [predictor(name, models_dir, device, precision) for name in members_of(card)]
    by_rules = [name for name in members_of(card) if verify(name, models_dir).kind == "rules"]
    votes = int(card.options.get("votes", 1))
    same = {member.definition for member in members}
    name = masses_of(card)
    masses = load_mass_finder(verify(name, models_dir), place=runtime(device, precision)) if name else None

    def find(item: Item) -> Mask:
        if by_rules and not item.is_volume:
            networks = " ".join(name for name in members_of(card) if name not in by_rules)
            text = f"{card.name} asks {', '.join(by_rules)}, too, which has no answer for a slice"
            raise InputRefused(
                "RULE-SLICE", f"{text}; judge its network alone: `lungnode evaluate {networks} ...`, all else alike"
            )
        voted: Mask = np.sum([member.find((item,))[0] for member in members], axis=0) >= votes
        if masses is None or not item.is_volume:
            return voted
        grid = usual_grid(item.hu_zyx.shape, item.spacing_zyx_mm or _UNKNOWN_MM)
        return masses.completed(sided(item.hu_zyx, voted, grid), item.hu_zyx, grid) > 0

    return Predictor(
        card.name,
        Task.LUNGS,
        members[0].definition if len(same) == 1 else LungDefinition.WITH_LESIONS,
        frozenset().union(*(one.train_cases for one in (*members, *((masses,) if masses else ())))),
        _each(find),
        tuple(path for member in members for path in member.curves),
    )


def _by_network(item: Item, runner: SliceRunner, plan: MaskPlan) -> Mask:
    """Find lungs by a network; only a volume has rules' lungs to take recesses from."""
    by_rules = _by_rules(item) if plan.recesses and item.is_volume and item.spacing_zyx_mm is not None else None
    return lung_mask(item.hu_zyx, item.spacing_zyx_mm or _UNKNOWN_MM, runner, plan, by_rules)


def _by_rules(item: Item) -> Mask:
    """Find lungs by rules; they need neighbouring slices."""
    if not item.is_volume or item.spacing_zyx_mm is None:
        raise InputRefused(
            "RULE-SLICE",
            "lungs-rule follows the windpipe through a volume; it has no answer for a slice: judge volumes by it, and "
            "slices by a network such as fusionlungnet-w16, all else alike",
        )
    z, y, x = item.spacing_zyx_mm
    lps_from_zyx = np.array([[0, 0, x, 0], [0, y, 0, 0], [z, 0, 0, 0], [0, 0, 0, 1]], np.float64)
    return lung_labels(item.hu_zyx, lps_from_zyx) > 0


def _of_saved(folder: Path) -> Predictor:
    """Return masks that were saved while another run was judged."""
    told = read_list(folder)
    learnt, held = (told.get(name) for name in ("train_cases", "val_cases"))
    return Predictor(
        str(told["name"]),
        Task(str(told["task"])),
        LungDefinition(str(told["definition"])),
        frozenset(learnt if isinstance(learnt, list) else ()),
        _each(lambda item: read_mask(folder, item.id)),
        val_cases=frozenset(held if isinstance(held, list) else ()),
    )
