"""Our errors as JSON and back: between a child process and its parent, and in the engine's database."""

from typing import Any

from node.errors import InputRefused, LungnodeError, Misconfigured, OurMistake, WorldUnavailable

UNEXPECTED = "INTERNAL"  # the code of what a library raised
_KINDS = {kind.__name__: kind for kind in (InputRefused, WorldUnavailable, Misconfigured, OurMistake)}


def error_json(error: BaseException) -> dict[str, Any]:
    """Return an error as JSON. Messages of foreign exceptions may quote input, so only their type is kept."""
    if isinstance(error, LungnodeError):
        kind = next((name for name, known in _KINDS.items() if isinstance(error, known)), "OurMistake")
        return {"kind": kind, "code": error.code, "message": error.message, "context": error.context}
    return {"kind": "OurMistake", "code": UNEXPECTED, "message": type(error).__name__, "context": {}}


def error_from_json(kept: dict[str, Any]) -> LungnodeError:
    """Read an error back as the root that it belongs to."""
    return _KINDS[kept["kind"]](kept["code"], kept["message"], **kept["context"])
