"""One node on one data folder: a second one is turned away before it opens a port and receives anything."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from node.engine.runtime import database_url
from node.engine.slots import Lock, holder_of_file, take_file
from node.engine.worker import slots_folder, take_own_slot
from node.errors import Misconfigured
from node.settings import Settings

_WITHIN_S = 5.0  # a predecessor that is just ending


@contextmanager
def sole_node(settings: Settings) -> Iterator[None]:
    """Hold the lock of this node while the block runs.

    Nodes that share a folder and a PostgreSQL have slots of their own, and locks of their own.

    Raises
    ------
    Misconfigured
        ENG-SLOT: another node, or a worker in the slot of ours, lives on this data folder; the text says which process.
    """
    lock = _take(settings)
    try:
        if database_url(settings).startswith("sqlite"):  # a server that cannot be reached must not delay receiving
            take_own_slot(settings).release()
        yield
    finally:
        lock.release()


def _take(settings: Settings) -> Lock:
    path = slots_folder(settings) / f"node-{settings.engine.slot}.lock"
    deadline_s = time.monotonic() + _WITHIN_S
    while (lock := take_file(path)) is None:
        if time.monotonic() > deadline_s:
            raise Misconfigured(
                "ENG-SLOT",
                f"another node runs on {settings.data_dir} ({holder_of_file(path)}); end it, or give this one a "
                "data_dir of its own",
            )
        time.sleep(0.1)
    return lock
