"""What the exports of lung and lesion trainings share: name, licence, fp16 weights, curve."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import save_file
from torch import nn

from node.errors import InputRefused, WrongUsage
from node.learn.run_folder import Told, has_finished_epoch, told_of
from node.segment.model_card import NAME


def told_of_run(run: Path, name: str) -> Told:
    """Return a run's `run.json`.

    Raises
    ------
    InputRefused
        EXPORT-UNREAD if the run has no best weights yet; EXPORT-LICENCE if it learnt from rows that shipped weights
        may not learn from and the name does not say so.
    WrongUsage
        USAGE for a name that no model may have.
    """
    if not has_finished_epoch(run):
        raise InputRefused("EXPORT-UNREAD", f"{run} holds no finished epoch")
    told = told_of(run)
    refuse_name(name, free=told["free"], licences=told["licences"])
    return told


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


def keep_curve(run: Path, folder: Path) -> None:
    """Lay the learning curve beside the weights: a run's folder is not kept for ever."""
    shutil.copyfile(run / "curve.csv", folder / "curve.csv")


def save_halves(network: nn.Module, path: Path) -> None:
    """Write the weights in half precision, batch statistics too."""
    halves = {key: t.half() if t.is_floating_point() else t for key, t in network.state_dict().items()}
    save_file({key: t.contiguous() for key, t in halves.items()}, path)
    path.chmod(0o644)  # the writer leaves it to its owner alone
