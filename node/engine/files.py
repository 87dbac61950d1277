"""Small JSON files that are either there as a whole or not at all.

They belong to whom their folder belongs to: a command that root gives, with a umask of its own, must leave nothing that
the node cannot read.
"""

import json
from pathlib import Path
from typing import Any

from node.store.durable import write_new, write_whole


def write_json(path: Path, value: Any) -> None:
    """Write a file as a whole, over one that is there."""
    write_whole(path, _encoded(value), to_owner=True)


def publish_json(path: Path, value: Any) -> bool:
    """Write as `write_json` does, but never over a file that is there; tell whether this call was the first."""
    return write_new(path, _encoded(value), to_owner=True)


def read_json(path: Path) -> Any | None:
    """Read a file; None where it is not there."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1).encode()
