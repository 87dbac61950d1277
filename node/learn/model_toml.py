"""`model.toml` of an exported model: what the node reads, with the digests of the files that lie beside it."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from node.segment.contract import Task
from node.segment.lesions.confidence import FILE as CONFIDENCE
from node.segment.stored_model import TRAINING, WEIGHTS


def write_toml(folder: Path, head: Mapping[str, str], options: Mapping[str, object], task: Task = Task.LESIONS) -> None:
    """Write `model.toml`: the head's texts, what the model finds, its options, the digests of its files."""
    listed = [name for name in (WEIGHTS, TRAINING, CONFIDENCE) if (folder / name).is_file()]
    lines = [
        *(_line(key, value) for key, value in head.items()),
        _line("tasks", [task.value]),
        "",
        "[options]",
        *(_line(key, value) for key, value in options.items()),
        "",
        "[files]",
        *(f"{_told(name)} = {_told(sha256((folder / name).read_bytes()).hexdigest())}" for name in listed),
        "",
    ]
    (folder / "model.toml").write_text("\n".join(lines), encoding="utf-8")


def _line(key: str, value: object) -> str:
    return f"{key} = {_told(value)}"


def _told(value: object) -> str:
    """Return a text, number, truth value or list as TOML, which writes these as JSON does."""
    return json.dumps(value, ensure_ascii=False)
