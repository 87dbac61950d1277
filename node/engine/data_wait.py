"""What a worker becomes while its data folder is away: a process that holds nothing of the former one, and waits.

    python -m node.engine.data_wait DATA_DIR    ends, to be started again, once the folder is there

A worker that ended at once would be started again by its unit, and make a new folder below the mount point.
"""

import os
import sys
import time
from pathlib import Path

from node.errors import NotYetThere, WorldUnavailable
from node.store.layout import Layout

_LOOK_EVERY_S = 5.0


def wait_where_away(data_dir: Path) -> None:
    """Return where the data folder is there; else never: this process waits for it, and ends then."""
    if not _is_there(data_dir):
        os.execv(sys.executable, [sys.executable, "-m", "node.engine.data_wait", str(data_dir)])  # noqa: S606


def _is_there(data_dir: Path) -> bool:
    try:
        Layout(data_dir).must_be_there()
    except (NotYetThere, OSError):  # a file server that went answers with errors of its own
        return False
    return True


if __name__ == "__main__":
    while not _is_there(Path(sys.argv[1])):
        time.sleep(_LOOK_EVERY_S)
    sys.exit(WorldUnavailable.exit_code)
