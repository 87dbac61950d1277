"""Masks that are kept and read back: one PNG a slice, or one compressed array a volume, with a list beside them."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from node.errors import InputRefused
from node.learn.cases import Item
from node.segment.contract import LungDefinition, Task

LIST = "predictions.json"
Mask = NDArray[np.bool_]


class SavedMasks:
    """A folder of masks, written one by one while a model is judged."""

    def __init__(
        self, folder: Path, name: str, task: Task, definition: LungDefinition, train_cases: frozenset[str],
        val_cases: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self._folder = folder
        self._told: dict[str, object] = {
            "name": name,
            "task": task.value,
            "definition": definition.value,
            "train_cases": sorted(train_cases),
            "val_cases": sorted(val_cases),
        }
        self._shapes: dict[str, list[int]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, item: Item, found: Mask) -> None:
        """Write the mask of one item and the list."""
        np.savez_compressed(self._folder / f"{item.id}.npz", bits=np.packbits(found))
        self._shapes[item.id] = list(found.shape)
        told = self._told | {"items": self._shapes}
        (self._folder / LIST).write_text(json.dumps(told, indent=1), encoding="utf-8")


def read_list(folder: Path) -> Mapping[str, object]:
    """Read what a folder of masks says of itself.

    Raises
    ------
    InputRefused
        PRED-UNREAD if it is no such folder.
    """
    try:
        told: dict[str, object] = json.loads((folder / LIST).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise InputRefused("PRED-UNREAD", f"{folder} holds no saved masks: {error}") from error
    return told


def read_mask(folder: Path, item_id: str) -> Mask:
    """Read one mask.

    Raises
    ------
    InputRefused
        PRED-UNREAD if there is none for this item.
    """
    shapes = read_list(folder)["items"]
    path = folder / f"{item_id}.npz"
    if not isinstance(shapes, dict) or item_id not in shapes or not path.is_file():
        raise InputRefused("PRED-UNREAD", f"{folder} holds no mask of {item_id}")
    shape = tuple(shapes[item_id])
    with np.load(path, allow_pickle=False) as stored:
        bits = np.unpackbits(stored["bits"], count=int(np.prod(shape)))
    return bits.reshape(shape).astype(bool)
