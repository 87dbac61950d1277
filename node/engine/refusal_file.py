"""Why a case is not processed, between the step that found out and the one that writes the notice."""

from pathlib import Path

from pydantic import TypeAdapter

from node.engine.files import publish_json, read_json
from node.errors import Refusal

_FILE = "refusal.json"
_adapter = TypeAdapter(Refusal)


def write_refusal(folder: Path, refusal: Refusal) -> None:
    """Keep a refusal; the first one stays."""
    publish_json(folder / _FILE, _adapter.dump_python(refusal, mode="json"))


def read_refusal(folder: Path) -> Refusal | None:
    """Read a kept refusal; None where the case was not refused."""
    found = read_json(folder / _FILE)
    return None if found is None else _adapter.validate_python(found)
