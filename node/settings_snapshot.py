"""The settings of a running node, handed from `lungnode serve` to its processes on their standard input.

A process that is started again then runs the settings that were checked when the node started, whatever stands in the
file by now. The text lies in memory alone: neither on the disk nor in the environment, for the secrets are in it.
"""

import os
import sys
from pathlib import Path
from typing import Any

from pydantic import SecretStr, TypeAdapter

from node.settings import Settings, load

SUPERVISED = "LUNGNODE_SUPERVISED"  # set by `lungnode serve` for its processes

_any: TypeAdapter[Any] = TypeAdapter(Any)


def snapshot(settings: Settings) -> bytes:
    """Return what the site has set, with its secrets."""
    return _any.dump_json(_opened(settings.model_dump(exclude_unset=True)))


def handed_or_loaded(path: Path | None) -> Settings:
    """Return the settings that `serve` handed to this process; read them where nobody did."""
    if SUPERVISED not in os.environ:
        return load(path)
    return Settings.model_validate_json(sys.stdin.buffer.read())


def _opened(value: Any) -> Any:
    """Return a value with its secrets in plain text."""
    if isinstance(value, dict):
        return {key: _opened(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_opened(item) for item in value]
    return value.get_secret_value() if isinstance(value, SecretStr) else value
