"""Imports as light as they can be: for the receiver, which starts before everything else and again after each crash.

Two things cost a quarter of its start: optional packages that a library loads only because they are installed
(pydicom loads `requests` for its own test files, structlog loads `rich` for coloured tracebacks), and the garbage
collector, which walks all that has been imported so far again and again and finds nothing.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import cast


@contextmanager
def lightly(*without: str) -> Iterator[None]:
    """Let imports in the block find none of these packages, unless one is loaded already, and collect no garbage.

    Afterwards the packages can be imported as ever.
    """
    hidden = [name for name in without if name not in sys.modules]
    sys.modules.update(cast("dict[str, ModuleType]", dict.fromkeys(hidden)))  # None: how `import` is told "absent"
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()
        for name in hidden:
            del sys.modules[name]
