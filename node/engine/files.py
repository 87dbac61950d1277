"""Small JSON files that are either there as a whole or not at all.

They belong to whom their folder belongs to: a command that root gives, with a umask of its own, must leave nothing that
the node cannot read.
"""

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from node.errors import Misconfigured
from node.store.durable import write_new, write_whole

DAMAGED_FILE = "ENG-FILE"
T = TypeVar("T")


def write_json(path: Path, value: Any) -> None:
    """Write a file as a whole, over one that is there."""
    write_whole(path, _encoded(value), to_owner=True)


def publish_json(path: Path, value: Any) -> bool:
    """Write as `write_json` does, but never over a file that is there; tell whether this call was the first."""
    return write_new(path, _encoded(value), to_owner=True)


def read_json(path: Path) -> Any | None:
    """Read a file; None where it is not there.

    Raises
    ------
    Misconfigured
        ENG-FILE where it is no JSON: a bad disk, a copy that was cut short, an editor.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise _damaged(path) from error


def read_as(path: Path, adapter: TypeAdapter[T]) -> T | None:
    """Read a file as a value of a type; None where it is not there, ENG-FILE as `read_json` where it is none."""
    found = read_json(path)
    if found is None:
        return None
    try:
        return adapter.validate_python(found)
    except ValidationError as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> Misconfigured:
    return Misconfigured(
        DAMAGED_FILE, f"the file {path} is damaged; next: put it back from a backup, or move its case out of data_dir"
    )


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1).encode()
