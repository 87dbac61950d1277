"""The folder of a training: `run.json` (what decided it and how it ended), checkpoint, best weights and curves."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from node.errors import InputRefused
from node.segment.contract import Task

BEST = "best.safetensors"
CHECKPOINT = "checkpoint.safetensors"
_TOLD = "run.json"

Told = dict[str, Any]


def has_finished_epoch(folder: Path) -> bool:
    """Tell whether a folder holds weights that can be judged, exported or begun with."""
    return (folder / BEST).is_file() and (folder / _TOLD).is_file()


def told_of(folder: Path) -> Told:
    """Read `run.json`."""
    told: Told = json.loads((folder / _TOLD).read_text(encoding="utf-8"))
    return told


def write_told(folder: Path, told: Mapping[str, object]) -> None:
    """Write `run.json`."""
    (folder / _TOLD).write_text(json.dumps(told, indent=1), encoding="utf-8")


def task_of(folder: Path) -> Task:
    """Return what a training learnt to find.

    Raises
    ------
    InputRefused
        EXPORT-UNREAD if the folder is no run.
    """
    if not (folder / _TOLD).is_file():
        raise InputRefused("EXPORT-UNREAD", f"{folder} holds no finished epoch")
    return Task(told_of(folder).get("task", Task.LUNGS.value))
