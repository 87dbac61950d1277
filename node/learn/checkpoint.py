"""Where a training stands, in one safetensors file: weights, optimiser and progress. No pickles.

Written beside and renamed, so that a kill at any moment leaves the last whole epoch.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

_MODEL = "model."
_OPTIMISER = "optimiser."


def save(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer | None, notes: Mapping[str, Any]) -> None:
    """Write weights, the optimiser's tensors (by parameter number) and notes as JSON."""
    tensors = {_MODEL + name: value.detach().contiguous() for name, value in model.state_dict().items()}
    if optimiser is not None:
        for number, state in optimiser.state_dict()["state"].items():
            for name, value in state.items():
                tensors[f"{_OPTIMISER}{number}.{name}"] = torch.as_tensor(value).contiguous()
    temporary = path.with_suffix(".part")
    save_file({name: value.cpu().clone() for name, value in tensors.items()}, temporary, {"notes": json.dumps(notes)})
    temporary.replace(path)


def notes_of(path: Path) -> dict[str, Any]:
    """Read a checkpoint's notes alone."""
    with safe_open(path, framework="pt") as file:
        notes: dict[str, Any] = json.loads(file.metadata()["notes"])
    return notes


def weights_of(path: Path) -> dict[str, Tensor]:
    """Read a checkpoint's weights alone."""
    with safe_open(path, framework="pt") as file:
        names = [name for name in file.keys() if name.startswith(_MODEL)]  # noqa: SIM118 - no mapping
        return {name.removeprefix(_MODEL): file.get_tensor(name) for name in names}


def load(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer | None = None) -> dict[str, Any]:
    """Put a checkpoint back into model and optimiser; return its notes."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        notes: dict[str, Any] = json.loads(file.metadata()["notes"])
    model.load_state_dict({name.removeprefix(_MODEL): t for name, t in tensors.items() if name.startswith(_MODEL)})
    if optimiser is not None:
        optimiser.load_state_dict({**optimiser.state_dict(), "state": _optimiser_state(tensors)})
    return notes


def _optimiser_state(tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(_OPTIMISER):
            number, name = key.removeprefix(_OPTIMISER).split(".", 1)
            state.setdefault(int(number), {})[name] = value
    return state
