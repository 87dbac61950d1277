"""Exceptions in the log: type and frames, no message, for a library's may quote the header of a patient's image."""

import os
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any


def without_message(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Render `exc_info` (a processor of structlog); what the system says of an error number is nobody's data."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
    if error is None:
        return event
    event["error"] = type(error).__name__
    if isinstance(error, OSError) and error.errno is not None:
        event["system"] = os.strerror(error.errno)
    event["frames"] = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]
    return event
