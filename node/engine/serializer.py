"""What the engine's database may hold: JSON, never a pickle.

The library's own serializer is pickle: whoever can write to the database would run code in the workers. Giving it
another one is half of the cure, since rows that *name* the pickle format are still unpickled; `forbid_pickles` is the
other half.
"""

import json
from typing import Any

import dbos._serialization as library
from dbos import Serializer

from node.engine.error_json import error_from_json, error_json
from node.errors import OurMistake

_EXCEPTION = "__exception__"


class JsonSerializer(Serializer):
    """Plain JSON; our coded errors survive the round trip, other exceptions keep their type's name only."""

    def name(self) -> str:
        """Return the name that stands beside each value in the database."""
        return "lungnode_json"

    def serialize(self, data: Any) -> str:
        """Write a value; anything that is not JSON is our mistake and raises TypeError."""
        value = {_EXCEPTION: error_json(data)} if isinstance(data, BaseException) else data
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    def deserialize(cls, serialized_data: str) -> Any:  # noqa: N805 - the library's own signature
        """Read a value back."""
        value = json.loads(serialized_data)
        if isinstance(value, dict) and _EXCEPTION in value:
            return error_from_json(value[_EXCEPTION])
        return value


class _NoPickle(Serializer):
    def name(self) -> str:
        return "py_pickle"

    def serialize(self, data: Any) -> str:
        raise OurMistake("ENG-PICKLE", f"a value of type {type(data).__name__} was to be pickled")

    def deserialize(cls, serialized_data: str) -> Any:  # noqa: N805, ARG002 - the library's own signature
        raise OurMistake("ENG-PICKLE", "the engine's database holds a pickle; it was not read")


def forbid_pickles() -> None:
    """Make the library refuse rows that say they are pickles (dbos 3.4.0, `_serialization.DBOSDefaultSerializer`)."""
    library.DBOSDefaultSerializer = _NoPickle()
