"""Tumour networks ready to be judged: the best epoch of a training, or what is installed under a name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from node.errors import InputRefused, Misconfigured
from node.learn import checkpoint
from node.learn.catalogue import Schedule
from node.learn.lesion_catalogue import LesionPlan, lesion_entry
from node.learn.lesion_train import build
from node.learn.run_folder import BEST, has_finished_epoch, told_of
from node.segment.contract import Task
from node.segment.ensemble import members_of
from node.segment.preprocess.lesion_recipes import Prepare, recipe
from node.segment.registry import verify
from node.segment.runtime import Runtime
from node.segment.stored_model import stored_training, stored_weights


@dataclass(frozen=True, slots=True)
class Trained:
    """One run, ready to answer."""

    name: str
    model: nn.Module
    plan: LesionPlan
    prepare: Prepare
    train_cases: frozenset[str]
    val_cases: frozenset[str]
    moments_hu: tuple[float, float] = (0.0, 1.0)
    folder: Path = Path()


def trained(folder: Path, runtime: Runtime) -> Trained:
    """Load the best epoch of a run.

    Raises
    ------
    InputRefused
        MODEL-UNKNOWN if the folder holds no finished epoch.
    Misconfigured
        SYS-MODEL if it learnt to find lungs.
    """
    if not has_finished_epoch(folder):
        raise InputRefused("MODEL-UNKNOWN", f"{folder} holds no finished epoch")
    told = told_of(folder)
    refuse_lungs(str(folder), is_lesions=told.get("task", Task.LESIONS.value) == Task.LESIONS.value)
    model = build(lesion_entry(told["model"]), plan_of_run(told["plan"]))
    notes = checkpoint.load(folder / BEST, model)
    return _ready(folder.name, model, told | {"moments_hu": notes["moments_hu"]}, runtime, folder)


def answering(name: str, models_dir: Path | None, runtime: Runtime) -> list[Trained]:
    """Return the training in a folder, or the networks of an installed lesion model: one, or an ensemble's members.

    One that draws nodules anew is judged like one that finds them, on slices and cubes.

    Raises
    ------
    InputRefused
        MODEL-UNKNOWN for a folder without a finished epoch.
    Misconfigured
        SYS-MODEL if no such model is installed, it is damaged, or doesn't find lesions.
    """
    if "/" in name or (Path(name) / BEST).is_file():
        return [trained(Path(name), runtime)]
    card = verify(name, models_dir)
    refuse_lungs(name, is_lesions=Task.LUNGS not in card.tasks)
    if card.kind == "ensemble":
        return [one for member in members_of(card) for one in answering(member, models_dir, runtime)]
    told = stored_training(card.folder)
    model = build(lesion_entry(told["model"]), plan_of_run(told["plan"]))
    model.load_state_dict(stored_weights(card.folder))
    return [_ready(name, model, told, runtime, card.folder)]


def refuse_lungs(name: str, *, is_lesions: bool) -> None:
    """Raise Misconfigured SYS-MODEL for what finds no lesions, with the command that judges it."""
    if not is_lesions:
        raise Misconfigured("SYS-MODEL", f"{name} finds no lesions: judge lungs by `lungnode evaluate`")


def _ready(name: str, model: nn.Module, told: Mapping[str, Any], runtime: Runtime, folder: Path) -> Trained:
    plan = plan_of_run(told["plan"])
    mean_hu, sd_hu = (float(moment) for moment in told["moments_hu"])
    return Trained(
        name, model.to(runtime.device).eval(), plan, recipe(plan.recipe, mean_hu, sd_hu),
        frozenset(told["train_cases"]), frozenset(told["val_cases"]), (mean_hu, sd_hu), folder,
    )  # fmt: skip


def plan_of_run(told: dict[str, Any]) -> LesionPlan:
    """Read a plan as it stands in `run.json`, as far as answering needs it."""
    kept = ("protocol", "sizes", "loss", "recipe", "size", "crop_px", "neighbours", "run_length")
    magnify, depth = int(told.get("magnify", 1)), int(told.get("cube_depth", 0))  # plans of earlier versions have none
    return LesionPlan(**{name: told[name] for name in kept}, magnify=magnify, cube_depth=depth, schedule=Schedule())
