"""What a training may begin with: the best weights of a run, or an installed model's, which are in half precision.

Whoever begins with weights has learnt from their patients, too: these are added to the training cases, may not be
validated on, and their licences count. Weights that learnt from z-scores keep the mean and deviation that they learnt
with, for they know Hounsfield units by nothing else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from node.errors import InputRefused
from node.learn import checkpoint
from node.learn.run_folder import BEST, has_finished_epoch, told_of
from node.learn.sizes import Sizes

_ZSCORE = "zscore"


@dataclass(frozen=True, slots=True)
class Beginning:
    """Weights to begin with.

    Attributes
    ----------
    text : what they are, for run and card; digest: SHA-256 of their file.
    weights : by name, single precision.
    train_cases : the patients that they learnt from.
    licences, free : of the rows that they learnt from.
    moments_hu : mean and deviation of their z-score, None with another recipe.
    """

    text: str
    digest: str
    weights: Mapping[str, Tensor]
    train_cases: frozenset[str]
    licences: tuple[str, ...]
    free: bool
    moments_hu: tuple[float, float] | None = None

    def put_into(self, network: nn.Module) -> None:
        """Load the weights; of one picture they begin as weights of the middle of three, the others count nothing.

        Raises
        ------
        InputRefused
            INIT-OTHER where a tensor has another name or size.
        """
        own = network.state_dict()
        weights = {name: _between(t, _shape(own, name)) for name, t in self.weights.items()}
        differ = sorted(n for n in own.keys() | weights.keys() if _shape(own, n) != _shape(weights, n))
        if differ:
            text = f"{self.text}: {len(differ)} of its tensors do not fit, {differ[0]} first; take the sizes it has"
            raise InputRefused("INIT-OTHER", text)
        network.load_state_dict(weights)


def beginning(place: Path | None, model: str, kind: str, sizes: Sizes) -> Beginning | None:
    """Read the weights to begin with, None for random ones.

    Parameters
    ----------
    place : a run's folder, or an installed model's folder or name.
    model, kind : the system that is to be trained and its network's file.
    sizes : its sizes and switches.

    Raises
    ------
    InputRefused
        INIT-UNREAD where there are none, INIT-OTHER where they are of another network or other sizes.
    Misconfigured
        SYS-MODEL for a model that is not as it was shipped.
    """
    if place is None:
        return None
    if has_finished_epoch(place):
        return _of_run(place, model, sizes)
    return _of_model(place, kind, sizes)


def refuse_unfit(begun: Beginning | None, val_cases: Iterable[str], *, any_licence: bool) -> None:
    """Refuse weights that know a patient to validate on, or that learnt from rows that shipped weights may not.

    Raises
    ------
    InputRefused
        SET-LEAK, SET-LICENCE.
    """
    if begun is None:
        return
    known = sorted(begun.train_cases & set(val_cases))
    if known:
        text = f"{begun.text} learnt from {len(known)} of the patients to validate on: {', '.join(known[:5])}"
        raise InputRefused("SET-LEAK", text)
    if not begun.free and not any_licence:
        text = f"{begun.text} learnt from rows under {', '.join(begun.licences)}; say --any-licence"
        raise InputRefused("SET-LICENCE", text)


def told_of_beginning(begun: Beginning | None, cases: Iterable[str], licences: Iterable[str]) -> dict[str, Any]:
    """Return what `run.json` says: what was begun with, and the cases and licences of both.

    Parameters
    ----------
    cases, licences : of the rows to learn from, and of all rows.
    """
    own, before = set(cases), frozenset[str]() if begun is None else begun.train_cases
    return {
        "init": None if begun is None else begun.text,
        "init_digest": None if begun is None else begun.digest,
        "init_cases": sorted(before - own),  # patients that the beginning alone has learnt from
        "train_cases": sorted(own | before),
        "licences": sorted({*licences, *(() if begun is None else begun.licences)}),
    }


def begun_with(told: Mapping[str, Any]) -> str:
    """Return the card's sentence on what was begun with."""
    if not told.get("init"):
        return "Begun with: random weights."
    further = len(told.get("init_cases", ()))
    return f"Begun with: {told['init']}, which had learnt from {further} further patients, named below with the others."


def n_own_cases(told: Mapping[str, Any]) -> int:
    """Return how many patients the training itself has learnt from."""
    return len(told["train_cases"]) - len(told.get("init_cases", ()))


def _of_run(folder: Path, model: str, sizes: Sizes) -> Beginning:
    told = told_of(folder)
    if told["model"] != model:
        raise InputRefused("INIT-OTHER", f"{folder} is a run of {told['model']}, not of {model}")
    path = folder / BEST
    notes, weights = checkpoint.notes_of(path), checkpoint.weights_of(path)
    text = f"epoch {notes['epoch']} of a run of {told['title']}"
    plan = told.get("plan", told)
    _refuse_sizes(text, told, plan["sizes"], sizes)
    moments = notes.get("moments_hu") if plan["recipe"] == _ZSCORE else None
    return _beginning(text, path, weights, told, moments)


def _of_model(place: Path, kind: str, sizes: Sizes) -> Beginning:
    from node.segment.networks.table import algorithm  # noqa: PLC0415  a training needs no pydantic without it
    from node.segment.registry import installed, verify  # noqa: PLC0415
    from node.segment.stored_model import WEIGHTS, stored_training  # noqa: PLC0415

    if (place / "model.toml").is_file():
        card = verify(place.resolve().name, place.resolve().parent)
    elif str(place) in (names := [card.name for card in installed()]):
        card = verify(str(place))
    else:
        text = f"{place} is no run with a finished epoch and no model; installed: {', '.join(names)}"
        raise InputRefused("INIT-UNREAD", text)
    if card.kind != kind or card.algorithm != algorithm(kind):
        raise InputRefused(
            "INIT-OTHER", f"model {card.name} is {card.kind} ({card.algorithm}), not this program's {kind}"
        )
    path = card.folder / WEIGHTS
    told = stored_training(card.folder)
    text = f"model {card.name} {card.version}"
    plan = told.get("plan", {"sizes": card.options, "recipe": ""})
    _refuse_sizes(text, told, plan["sizes"], sizes)
    moments = told.get("moments_hu") if plan["recipe"] == _ZSCORE else None
    return _beginning(text, path, load_file(path), told, moments)


def _refuse_sizes(text: str, told: Mapping[str, Any], sizes: Mapping[str, Any], ours: Sizes) -> None:
    """Raise InputRefused INIT-OTHER for a size or switch that differs; a tumour system tells its channels apart."""
    theirs = {"channels": told["channels"], **sizes} if "channels" in told else sizes
    differ = [name for name, value in ours.items() if name in theirs and int(theirs[name]) != int(value)]
    if "channels" in differ and (int(theirs["channels"]), int(ours["channels"])) == (1, 3):
        differ.remove("channels")
    if differ:
        said = ", ".join(f"{name} {int(theirs[name])}, not {int(ours[name])}" for name in differ)
        raise InputRefused("INIT-OTHER", f"{text} has {said}")


def _beginning(
    text: str, path: Path, weights: Mapping[str, Tensor], told: Mapping[str, Any], moments: list[float] | None
) -> Beginning:
    digest = sha256(path.read_bytes()).hexdigest()
    return Beginning(
        f"{text}, SHA-256 {digest[:12]}",
        digest,
        {name: t.float() if t.is_floating_point() else t for name, t in weights.items()},
        frozenset(told["train_cases"]),
        tuple(told["licences"]),
        bool(told["free"]),
        None if moments is None else (float(moments[0]), float(moments[1])),
    )


def _between(t: Tensor, wanted: torch.Size | None) -> Tensor:
    """Put a convolution of one channel into the middle of three."""
    if wanted is None or len(wanted) != 4 or t.shape == wanted or wanted != (len(t), 3, *t.shape[2:]):
        return t
    return torch.cat([torch.zeros_like(t), t, torch.zeros_like(t)], 1)


def _shape(tensors: Mapping[str, Tensor], name: str) -> torch.Size | None:
    return tensors[name].shape if name in tensors else None
