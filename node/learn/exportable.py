"""What the exports of lung and lesion trainings share: folder, name, licence, fp16 weights, curve."""

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn

from node.errors import InputRefused, WrongUsage
from node.learn import checkpoint
from node.learn.run_folder import BEST, Told, has_finished_epoch, told_of
from node.segment.model_card import NAME
from node.segment.networks.table import algorithm
from node.segment.stored_model import WEIGHTS


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A model's folder with its weights and its learning curve: what `run.json` says, the notes of the best epoch."""

    folder: Path
    told: Told
    best: dict[str, Any]


def lay_out(run: Path, name: str, models_dir: Path, build: Callable[[Told], nn.Module]) -> LaidOut:
    """Put a run's best weights, in half precision, and its curve into a model's folder; raise what the exports say.

    Parameters
    ----------
    build : from `run.json` to the network.
    """
    if not has_finished_epoch(run):
        raise InputRefused("EXPORT-UNREAD", f"{run} holds no finished epoch")
    told = told_of(run)
    refuse_name(name, free=told["free"], licences=told["licences"])
    folder = models_dir / name
    folder.mkdir(parents=True, exist_ok=True)
    network = build(told)
    best = checkpoint.load(run / BEST, network)
    _save_halves(network, folder / WEIGHTS)
    shutil.copyfile(run / "curve.csv", folder / "curve.csv")  # a run's folder is not kept for ever
    return LaidOut(folder, told, best)


def head_of(told: Told, name: str, version: str, title: str, kind: str) -> dict[str, str]:
    """Return the head of `model.toml`; `kind` is the network's file."""
    return {
        "name": name,
        "version": version,
        "title": title,
        "paper": told["paper"] if told["paper"] != "baseline" else "",
        "licence": licence_of(told["licences"], free=told["free"]),
        "kind": kind,
        "algorithm": algorithm(kind),
    }


def refuse_name(name: str, *, free: bool, licences: Sequence[str]) -> None:
    """Refuse a name that no model may have, or that does not say that its weights are not free.

    Raises
    ------
    WrongUsage
        USAGE: a folder of such a name would be no model.
    InputRefused
        EXPORT-LICENCE.
    """
    if re.fullmatch(NAME, name) is None:
        text = f"{name!r} cannot be a model's name: up to 32 of a-z, 0-9, point and hyphen, a letter or digit first"
        raise WrongUsage("USAGE", text)
    if not free and not name.endswith("-nc"):
        raise InputRefused(
            "EXPORT-LICENCE", f"{name}: learnt from rows under {', '.join(licences)}; its name must end in -nc"
        )


def licence_of(licences: Sequence[str], *, free: bool) -> str:
    """Return the licence of weights from those of the rows or members that they were made of.

    Weights that are not free are given none: what their rows allow, their rows say.
    """
    if not free:
        return "not free: see CARD.md"
    return "CC BY-SA 4.0" if any("SA" in licence for licence in licences) else "CC BY 4.0"


def _save_halves(network: nn.Module, path: Path) -> None:
    """Write the weights in half precision, batch statistics too."""
    halves = {key: t.half() if t.is_floating_point() else t for key, t in network.state_dict().items()}
    save_file({key: t.contiguous() for key, t in halves.items()}, path)
    path.chmod(0o644)  # the writer leaves it to its owner alone
