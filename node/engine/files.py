"""Small JSON files that are either there as a whole or not at all."""

import json
import os
import uuid
from pathlib import Path
from typing import Any


def write_json(path: Path, value: Any) -> None:
    """Write under a temporary name, flush, rename, flush the folder: what is seen later is what was written."""
    temporary = _temporary(path, value)
    temporary.replace(path)
    flush_folder(path.parent)


def publish_json(path: Path, value: Any) -> bool:
    """Write as `write_json` does, but never over a file that is there; tell whether this call was the first."""
    temporary = _temporary(path, value)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    flush_folder(path.parent)
    return True


def read_json(path: Path) -> Any | None:
    """Read a file; None where it is not there."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _temporary(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, allow_nan=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    return temporary
